// Vercel's AI SDK, by each of the three doors.
import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { embedMany, generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { checkText, question, run, url } from "./cases.mjs";

const openai = createOpenAI({ baseURL: url, apiKey: "unused" });
const anthropic = createAnthropic({ baseURL: url, apiKey: "unused" });
const Reply = z.object({ answer: z.string() });

// The model by each door.
const doors = (name) => [openai.chat(name), openai.responses(name), anthropic(name)];
const asked = (model) => ({ model, prompt: question, maxRetries: 0 });

await run({
  async whole(name) {
    for (const model of doors(name)) checkText((await generateText(asked(model))).text);
  },
  async stream(name) {
    for (const model of doors(name)) {
      let text = "";
      const onError = ({ error }) => { throw error; };
      for await (const part of streamText({ ...asked(model), onError }).textStream) text += part;
      checkText(text);
    }
  },
  async tools(name) {
    for (const model of doors(name)) {
      const heard = [];
      const sound = tool({
        description: "Sounds.",
        inputSchema: Reply,
        execute: async ({ answer }) => { heard.push(answer); return "4 m"; },
      });
      const made = await generateText({
        ...asked(model), tools: { sound }, stopWhen: stepCountIs(3),
      });
      checkText(heard[0]);
      checkText(made.text);
    }
  },
  async structured(name) {
    for (const model of doors(name)) {
      const made = await generateText({ ...asked(model), output: Output.object({ schema: Reply }) });
      checkText(made.output.answer);
    }
  },
  async cut_streams(name) {
    if (name !== "openai") return;
    for (const model of doors("broken")) {
      const told = [];
      const onError = ({ error }) => told.push(error);
      await streamText({ ...asked(model), onError }).consumeStream({ onError: (e) => told.push(e) });
      assert(told.length > 0);
    }
  },
  async embeddings() {
    const model = openai.embeddingModel("vectors");
    const { embeddings } = await embedMany({ model, values: ["a", "b"], maxRetries: 0 });
    assert.equal(embeddings.length, 2);
    assert.notDeepEqual(embeddings[0], embeddings[1]);
  },
});
