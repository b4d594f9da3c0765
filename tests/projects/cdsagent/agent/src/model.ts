// A question to a model: the two ways in which their makers want it asked.

import type { Provider, Settings } from "./settings";

interface Way {
  readonly path: string;
  headers(key: string): Record<string, string>;
  answer(body: any): unknown;
}

const WAYS: Readonly<Record<Provider, Way>> = {
  anthropic: {
    path: "/v1/messages",
    headers: (key) => ({ "x-api-key": key, "anthropic-version": "2023-06-01" }),
    answer: (body) => body?.content?.[0]?.text,
  },
  openai: {
    path: "/v1/chat/completions",
    headers: (key) => ({ authorization: `Bearer ${key}` }),
    answer: (body) => body?.choices?.[0]?.message?.content,
  },
};

export async function ask(settings: Settings, question: string, found: string): Promise<string> {
  const way = WAYS[settings.provider];
  const content = `Answer by these documents of an index:\n${found}\n\nThe question: ${question}`;
  const answer = await fetch(settings.url + way.path, {
    method: "POST",
    headers: { "content-type": "application/json", ...way.headers(settings.key) },
    body: JSON.stringify({ model: settings.model, max_tokens: 1024, messages: [{ role: "user", content }] }),
    signal: AbortSignal.timeout(settings.timeout),
  });
  if (!answer.ok) throw new Error(`the model answered with ${answer.status}`);
  const text = way.answer(await answer.json());
  if (typeof text !== "string") throw new Error("the model's answer has no text");
  return text;
}
