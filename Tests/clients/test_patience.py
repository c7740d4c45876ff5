"""A Qwen that refuses every third call, before many clients at once: none of them notices."""

import asyncio

import httpx
import openai
import pytest

from chat import MODEL, ask


def test_no_refusal_reaches_fifty_clients(certificates, new_simulator, gateway_before, protocol):
    simulator = new_simulator("refuse=30 seed=3")
    gateway = gateway_before(simulator, UPSTREAM_RETRY_BUDGET="20s")

    async def run():
        http2 = protocol == "HTTP/2"
        limits = httpx.Limits(max_connections=50)
        http = httpx.AsyncClient(
            verify=certificates.client_context(), http1=not http2, http2=http2, trust_env=False, timeout=60,
            limits=limits,
        )
        async with openai.AsyncOpenAI(api_key=gateway.key, base_url=gateway.url, http_client=http, max_retries=0) as sdk:

            async def client(number):
                texts = []
                for turn in range(4):
                    if (number + turn) % 2:
                        answer = await sdk.chat.completions.create(model=MODEL, messages=ask("chunks=3 text=ja"))
                        texts.append(answer.choices[0].message.content)
                    else:
                        stream = await sdk.chat.completions.create(
                            model=MODEL, messages=ask("chunks=3 text=ja"), stream=True
                        )
                        pieces = [chunk async for chunk in stream]
                        texts.append("".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices))
                return texts

            return await asyncio.gather(*(client(number) for number in range(50)))

    assert asyncio.run(run()) == [["jajaja"] * 4] * 50
    assert simulator.stats()["started"] > 230


def test_without_a_budget_refusals_are_passed_on(sdk, new_simulator, gateway_before):
    client = sdk(gateway_before(new_simulator("error=throttling"), UPSTREAM_RETRY_BUDGET="0"))
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model=MODEL, messages=ask("chunks=1"))
