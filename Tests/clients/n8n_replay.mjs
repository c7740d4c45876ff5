// Plays one of the workflows in ops/n8n against a gateway as n8n would run it, without n8n: walks from the trigger along
// the connections, evaluates the expressions, and sends what the nodes send, in the shapes of their clients: axios for
// HTTP Request, the OpenAI SDK on undici's fetch for chat models and embeddings.
//
//     node n8n_replay.mjs WORKFLOW BASE_URL KEY INPUT   (the CA comes from NODE_EXTRA_CA_CERTS)
//
// INPUT is what the trigger gives, as JSON. Prints {"requests":[…],"result":…} as JSON.
import fs from 'node:fs';
import https from 'node:https';

const [file, base, key, input] = process.argv.slice(2);
const workflow = JSON.parse(fs.readFileSync(file, 'utf8'));
const nodes = new Map(workflow.nodes.map((node) => [node.name, node]));
const requests = [];
const outputs = new Map();
const agent = new https.Agent({ keepAlive: true });

// What n8n's expressions can see; the result of a sole expression keeps its type.
const evaluate = (text, json) => {
    if (typeof text !== 'string' || !text.startsWith('=')) return text;
    const $ = (name) => ({ item: { json: outputs.get(name) } });
    const run = (code) => new Function('$json', '$', `return (${code});`)(json, $);
    const whole = text.slice(1).trim();
    if (whole.startsWith('{{') && whole.endsWith('}}') && !whole.includes('{{', 2)) return run(whole.slice(2, -2));
    return text.slice(1).replace(/\{\{(.*?)\}\}/gs, (_, code) => String(run(code)));
};
const attached = (name, kind) =>
    workflow.nodes.filter((node) => (workflow.connections[node.name]?.[kind] ?? []).flat().some((to) => to.node === name));
const next = (name, output = 0) => (workflow.connections[name]?.main?.[output] ?? []).map((to) => nodes.get(to.node))[0];

// n8n's HTTP Request node: axios over an agent that keeps connections.
const axios = (url, body) =>
    new Promise((resolve, reject) => {
        const data = Buffer.from(body);
        const headers = {
            Accept: 'application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7',
            'Content-Type': 'application/json',
            'User-Agent': 'n8n',
            Authorization: `Bearer ${key}`,
            'Content-Length': data.length,
            'Accept-Encoding': 'gzip, compress, deflate, br',
        };
        const request = https.request(url, { method: 'POST', headers, agent, timeout: 60_000 }, async (response) => {
            let text = '';
            response.setEncoding('utf8');
            for await (const part of response) text += part;
            resolve({ status: response.statusCode, json: JSON.parse(text) });
        });
        request.on('error', reject);
        request.end(data);
    });

// The OpenAI SDK, with the field that n8n adds to each base URL.
const sdk = async (path, body) => {
    const response = await fetch(base + path, {
        method: 'POST',
        headers: {
            accept: 'application/json',
            'content-type': 'application/json',
            authorization: `Bearer ${key}`,
            'user-agent': 'OpenAI/JS 6.9.0',
            'openai-platform': 'org-qkmJQuJ2WnvoIKMr2UJwIJkZ',
            'x-stainless-arch': 'x64',
            'x-stainless-lang': 'js',
            'x-stainless-os': 'Linux',
            'x-stainless-package-version': '6.9.0',
            'x-stainless-retry-count': '0',
            'x-stainless-runtime': 'node',
            'x-stainless-timeout': '600',
        },
        body: JSON.stringify(body),
    });
    const text = await response.text();
    requests.push({ path, status: response.status, model: body.model, stream: body.stream ?? false });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    if (!body.stream) return JSON.parse(text);
    const events = text.split('\n').filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)));
    const last = events.at(-1);
    if (last.type !== 'response.completed') throw new Error(`the stream ended with ${last.type}`);
    return last.response;
};

const modelOf = (node) => node.parameters.model?.value ?? node.parameters.model;

const embed = async (name, texts) => {
    const [node] = attached(name, 'ai_embedding');
    const { dimensions, batchSize } = node.parameters.options;
    const vectors = [];
    for (let at = 0; at < texts.length; at += batchSize) {
        // The SDK asks for base64 where its caller names no format, and decodes it.
        const answer = await sdk('/embeddings', {
            model: modelOf(node), input: texts.slice(at, at + batchSize), dimensions, encoding_format: 'base64',
        });
        for (const { embedding } of answer.data) {
            const bytes = Buffer.from(embedding, 'base64');
            vectors.push(new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)));
        }
    }
    return vectors;
};

const store = [];
const closeness = (a, b) => a.reduce((sum, value, index) => sum + value * b[index], 0);

// Tools as the agent offers them, and what they answer.
const toolsOf = (name) =>
    attached(name, 'ai_tool').map((node) => {
        if (node.type.endsWith('.toolCalculator')) {
            return {
                name: 'calculator',
                parameters: { type: 'object', properties: { input: { type: 'string' } }, additionalProperties: false },
                call: async ({ input }) => {
                    if (!/^[\d\s()+*/.-]+$/.test(input)) throw new Error(`not a calculation: ${input}`);
                    return String(new Function(`return ${input}`)());
                },
            };
        }
        return {
            name: node.parameters.toolName,
            description: node.parameters.toolDescription,
            parameters: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
            call: async ({ input }) => {
                const [question] = await embed(node.name, [input]);
                const found = [...store].sort((a, b) => closeness(b.vector, question) - closeness(a.vector, question));
                return JSON.stringify(found.slice(0, node.parameters.topK).map(({ text }) => text));
            },
        };
    });

// The Tools Agent: asks, calls tools, and asks again with the whole transcript.
const runAgent = async (node, json) => {
    const [model] = attached(node.name, 'ai_languageModel');
    const tools = toolsOf(node.name);
    const { systemMessage, maxIterations = 10, enableStreaming = true } = node.parameters.options;
    const text = node.parameters.promptType === 'define' ? evaluate(node.parameters.text, json) : json.chatInput;
    const items = [
        { type: 'message', role: 'system', content: systemMessage },
        { type: 'message', role: 'user', content: text },
    ];
    for (let turn = 0; turn < maxIterations; turn++) {
        const answer = await sdk('/responses', {
            model: modelOf(model),
            input: items,
            temperature: model.parameters.options.temperature,
            stream: enableStreaming,
            ...(tools.length && {
                tools: tools.map(({ name, description, parameters }) => ({
                    type: 'function', name, description: description ?? null, parameters, strict: false,
                })),
                parallel_tool_calls: true,
            }),
        });
        const calls = answer.output.filter((item) => item.type === 'function_call');
        if (calls.length === 0) {
            const message = answer.output.find((item) => item.type === 'message');
            return { output: message.content.map((part) => part.text).join('') };
        }
        items.push(...answer.output);
        for (const call of calls) {
            const tool = tools.find(({ name }) => name === call.name);
            const output = await tool.call(JSON.parse(call.arguments));
            items.push({ type: 'function_call_output', call_id: call.call_id, output });
        }
    }
    throw new Error('the agent came to no end');
};

const kinds = {
    'n8n-nodes-base.set': async ({ parameters }, json) => {
        if (parameters.mode === 'raw') return JSON.parse(evaluate(parameters.jsonOutput, json));
        return Object.fromEntries(parameters.assignments.assignments.map(({ name, value }) => [name, evaluate(value, json)]));
    },
    'n8n-nodes-base.httpRequest': async ({ parameters }, json) => {
        const url = evaluate(parameters.url, json);
        const answer = await axios(url, evaluate(parameters.jsonBody, json));
        requests.push({ path: new URL(url).pathname, status: answer.status });
        if (answer.status >= 400) throw new Error(JSON.stringify(answer.json));
        return answer.json;
    },
    '@n8n/n8n-nodes-langchain.agent': runAgent,
    '@n8n/n8n-nodes-langchain.vectorStoreInMemory': async (node, json) => {
        const [loader] = attached(node.name, 'ai_document');
        const [splitter] = attached(loader.name, 'ai_textSplitter');
        const text = evaluate(loader.parameters.jsonData, json);
        const size = splitter.parameters.chunkSize;
        const texts = [];
        for (let at = 0; at < text.length; at += size) texts.push(text.slice(at, at + size));
        const vectors = await embed(node.name, texts);
        texts.forEach((text, index) => store.push({ text, vector: vectors[index] }));
        return { stored: texts.length, dimensions: vectors[0].length };
    },
};

const run = async (trigger, json) => {
    outputs.set(trigger.name, json);
    let node = next(trigger.name);
    while (node) {
        if (node.type === 'n8n-nodes-base.respondToWebhook') {
            const status = node.parameters.options.responseCode ?? 200;
            return { status, body: evaluate(node.parameters.responseBody, json) };
        }
        if (node.type === 'n8n-nodes-base.if') {
            const [condition] = node.parameters.conditions.conditions;
            node = next(node.name, evaluate(condition.leftValue, json) === true ? 0 : 1);
            continue;
        }
        // The gateway's URL in the Settings is the one of the Compose network.
        json = await kinds[node.type](node, json);
        if (json.gateway) json.gateway = base;
        outputs.set(node.name, json);
        node = next(node.name);
    }
    return json;
};

const triggers = workflow.nodes.filter((node) => /\.(webhook|chatTrigger|manualTrigger)$/.test(node.type));
const results = [];
for (const trigger of triggers) {
    const given = JSON.parse(input);
    const shaped = trigger.type.endsWith('.webhook') ? { body: given } : given;
    results.push(await run(trigger, shaped));
}
console.log(JSON.stringify({ requests, result: results.length === 1 ? results[0] : results }));
agent.destroy();
