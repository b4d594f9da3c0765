import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logTo } from "../src/log";
import { serve } from "../src/service";
import { Misconfigured, settings } from "../src/settings";

const KEY = "sk-secret-value";
let folder = "";
let model: ReturnType<typeof Bun.serve>;
const seen: (string | null)[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "cds-agent-"));
  const program = join(folder, "cds");
  writeFileSync(program, '#!/bin/sh\n[ "$2" = fail ] && { echo no index >&2; exit 1; }\necho "{\\"words\\":\\"$*\\"}"\n');
  chmodSync(program, 0o755);
  writeFileSync(join(folder, "key"), `${KEY}\n`);
  model = Bun.serve({
    port: 0,
    fetch: (request) => {
      seen.push(request.headers.get("x-api-key"));
      return Response.json({ content: [{ text: `it is so, and the key is ${KEY}` }] });
    },
  });
});

afterAll(() => {
  model.stop(true);
  rmSync(folder, { recursive: true });
});

const environment = () => ({
  CDS_AGENT_PORT: "0",
  CDS_PROGRAM: join(folder, "cds"),
  CDS_AGENT_LOGS: join(folder, "logs"),
  CDS_MODEL_URL: `http://127.0.0.1:${model.port}`,
  ANTHROPIC_API_KEY_FILE: join(folder, "key"),
});

async function post(path: string, question: string): Promise<[number, any]> {
  const found = settings(environment());
  const server = serve(found, logTo(found.logs, found.key));
  try {
    const answer = await fetch(new URL(path, server.url), { method: "POST", body: JSON.stringify({ question }) });
    return [answer.status, await answer.json()];
  } finally {
    server.stop(true);
  }
}

test("a search is what the command line prints", async () => {
  expect(await post("/search", "the parser")).toEqual([200, { found: { words: "search the parser" } }]);
  expect(await post("/search", "fail")).toEqual([502, { error: "no index" }]);
  expect((await post("/search", ""))[0]).toBe(400);
});

test("a model is asked with the key of the file, which no log has", async () => {
  const [status, body] = await post("/ask", `tell ${KEY}`);
  expect([status, seen.at(-1)]).toEqual([200, KEY]);
  expect(body.answer).toStartWith("it is so");
  const log = readFileSync(join(folder, "logs", "agent.log"), "utf8");
  expect(log).toContain('"event":"answer"');
  expect(log).not.toContain(KEY);
});

test("everything wrong is told at once, and no secret", () => {
  const wrong = { ENV_PROFILE: "test", CDS_AGENT_PORT: "x", CDS_AGENT_TIMEOUT: "soon", ANTHROPIC_API_KEY_FILE: "/no" };
  const said = (env: Record<string, string>): string => {
    try {
      settings(env);
      return "";
    } catch (error) {
      expect(error).toBeInstanceOf(Misconfigured);
      return (error as Error).message;
    }
  };
  for (const name of Object.keys(wrong)) expect(said(wrong)).toContain(name);
  expect(said({ CDS_PROVIDER: "openai", ANTHROPIC_API_KEY: KEY })).toStartWith("OPENAI_API_KEY: is required");
  expect(said({ CDS_PROVIDER: "nobody", ANTHROPIC_API_KEY: KEY })).not.toContain(KEY);
});
