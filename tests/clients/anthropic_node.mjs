// Anthropic's client for Node.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { checkText, parameters, question, root, run } from "./cases.mjs";

const client = new Anthropic({ baseURL: root, apiKey: "unused", maxRetries: 0 });
const messages = [{ role: "user", content: question }];
const tools = [{ name: "sound", description: "Sounds.", input_schema: parameters }];
const max_tokens = 400;

await run({
  async messages(model) {
    const made = await client.messages.create({ model, max_tokens, messages });
    checkText(made.content[0].text);
  },
  async messages_stream(model) {
    const made = await client.messages.stream({ model, max_tokens, messages }).finalMessage();
    checkText(made.content[0].text);
    assert.equal(made.stop_reason, "end_turn");
  },
  async messages_tools(model) {
    const stream = client.messages.stream({ model, max_tokens, messages, tools });
    const made = await stream.finalMessage();
    const [call] = made.content;
    checkText(call.input.answer);
    const result = { type: "tool_result", tool_use_id: call.id, content: "4 m" };
    const turns = [
      ...messages,
      { role: "assistant", content: made.content },
      { role: "user", content: [result] },
    ];
    const last = await client.messages.create({ model, max_tokens, messages: turns, tools });
    checkText(last.content[0].text);
  },
  async messages_structured(model) {
    const output_config = { format: { type: "json_schema", schema: parameters } };
    const made = await client.messages.create({ model, max_tokens, messages, output_config });
    checkText(JSON.parse(made.content[0].text).answer);
  },
  async cut_stream(model) {
    if (model !== "openai") return;
    await assert.rejects(
      client.messages.stream({ model: "broken", max_tokens, messages }).finalMessage());
  },
  async errors() {
    await assert.rejects(
      client.messages.create({ model: "nobody", max_tokens, messages }), Anthropic.NotFoundError);
  },
});
