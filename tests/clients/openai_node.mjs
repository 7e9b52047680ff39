// OpenAI's client for Node: chat, Responses, embeddings.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { checkText, parameters, question, run, url } from "./cases.mjs";

const client = new OpenAI({ baseURL: url, apiKey: "unused", maxRetries: 0 });
const messages = [{ role: "user", content: question }];
const sound = { name: "sound", description: "Sounds.", parameters, strict: true };
const Reply = z.object({ answer: z.string() });

await run({
  async chat(model) {
    const made = await client.chat.completions.create({ model, messages });
    checkText(made.choices[0].message.content);
    assert(made.usage.total_tokens > 0);
  },
  async chat_stream(model) {
    const stream = client.chat.completions.stream({
      model, messages, stream_options: { include_usage: true },
    });
    const made = await stream.finalChatCompletion();
    checkText(made.choices[0].message.content);
    assert(made.usage.total_tokens > 0);
  },
  async chat_tools(model) {
    const tools = [{ type: "function", function: sound }];
    const made = await client.chat.completions.create({ model, messages, tools });
    const [call] = made.choices[0].message.tool_calls;
    const turns = [
      ...messages,
      made.choices[0].message,
      { role: "tool", tool_call_id: call.id, content: "4 m" },
    ];
    const last = await client.chat.completions.create({ model, messages: turns, tools });
    checkText(last.choices[0].message.content);
  },
  async chat_structured(model) {
    const made = await client.chat.completions.parse({
      model, messages, response_format: zodResponseFormat(Reply, "reply"),
    });
    checkText(made.choices[0].message.parsed.answer);
  },
  async responses(model) {
    const made = await client.responses.create({ model, input: question });
    checkText(made.output_text);
  },
  async responses_stream(model) {
    const stream = client.responses.stream({ model, input: question });
    let text = "";
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    checkText(text);
    checkText((await stream.finalResponse()).output_text);
  },
  async responses_tools(model) {
    const tools = [{ type: "function", ...sound }];
    const made = await client.responses.create({ model, input: question, tools });
    const [call] = made.output;
    assert.equal(call.type, "function_call");
    const result = { type: "function_call_output", call_id: call.call_id, output: "4 m" };
    const input = [{ role: "user", content: question }, call, result];
    checkText((await client.responses.create({ model, input, tools })).output_text);
  },
  async responses_structured(model) {
    const made = await client.responses.parse({
      model, input: question, text: { format: zodTextFormat(Reply, "reply") },
    });
    checkText(made.output_parsed.answer);
  },
  async embeddings() {
    const made = await client.embeddings.create({ model: "vectors", input: ["a", "b"] });
    const plain = await client.embeddings.create({
      model: "vectors", input: "a", encoding_format: "float",
    });
    assert.equal(made.data.length, 2);
    assert.deepEqual(made.data[0].embedding, plain.data[0].embedding);
  },
  async cut_streams(model) {
    if (model !== "openai") return;
    const ask = { model: "broken", messages, stream: true };
    await assert.rejects(async () => {
      for await (const _ of await client.chat.completions.create(ask));
    }, OpenAI.APIError);
    await assert.rejects(async () => {
      const stream = await client.responses.create({ model: "broken", input: question, stream: true });
      for await (const _ of stream);
    }, OpenAI.APIError);
  },
  async errors() {
    await assert.rejects(
      client.responses.create({ model: "nobody", input: question }), OpenAI.NotFoundError);
    await assert.rejects(
      client.chat.completions.create({ model: "nobody", messages }), OpenAI.NotFoundError);
  },
});
