// One streamed and one whole chat completion with each of Node's clients; prints what came as JSON.
// node node_client.mjs https|http2|fetch ORIGIN KEY   (the CA comes from NODE_EXTRA_CA_CERTS)
import http2 from 'node:http2';
import https from 'node:https';

const [client, origin, key] = process.argv.slice(2);
const path = '/v1/chat/completions';
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
const body = (stream) =>
    JSON.stringify({ model: 'qwen3-coder-plus', stream, messages: [{ role: 'user', content: 'chunks=30 delay=2 text=é' }] });

const text = async (readable) => {
    readable.setEncoding('utf8');
    let whole = '';
    for await (const part of readable) whole += part;
    return whole;
};

const agent = new https.Agent({ keepAlive: true });
const clients = {
    https: (stream) =>
        new Promise((resolve, reject) => {
            const request = https.request(origin + path, { method: 'POST', headers, agent }, async (response) => {
                resolve({ status: response.statusCode, version: response.httpVersion, body: await text(response) });
            });
            request.on('error', reject);
            request.end(body(stream));
        }),
    http2: async (stream) => {
        const session = http2.connect(origin);
        const request = session.request({ ':method': 'POST', ':path': path, ...headers });
        let status;
        request.on('response', (fields) => (status = fields[':status']));
        request.end(body(stream));
        const whole = await text(request);
        session.close();
        return { status, version: session.alpnProtocol, body: whole };
    },
    fetch: async (stream) => {
        const response = await fetch(origin + path, { method: 'POST', headers, body: body(stream) });
        return { status: response.status, version: null, body: await response.text() };
    },
};

const call = clients[client];
console.log(JSON.stringify({ stream: await call(true), whole: await call(false) }));
agent.destroy();
