// The agent: a question over HTTP becomes a run of the command line, and, if wanted, a question to a model.

import { version } from "../package.json";
import { cds } from "./cli";
import type { Log } from "./log";
import { ask } from "./model";
import type { Settings } from "./settings";

const HEAD = { "content-type": "application/json" };

export function serve(settings: Settings, log: Log) {
  const told = (status: number, body: object) => new Response(`${JSON.stringify(body)}\n`, { status, headers: HEAD });

  async function search(question: string): Promise<Response | object> {
    const run = await cds(settings.program, ["search", ...question.split(/\s+/)], settings.timeout);
    log("search", { question, code: run.code, error: run.error });
    return run.code === 0 ? JSON.parse(run.out) : told(502, { error: run.error || `cds ended with ${run.code}` });
  }

  async function answer(request: Request, withModel: boolean): Promise<Response> {
    const body: any = await request.json().catch(() => null);
    const question = typeof body?.question === "string" ? body.question.trim() : "";
    if (!question) return told(400, { error: 'expected {"question": TEXT}' });
    const found = await search(question);
    if (found instanceof Response) return found;
    if (!withModel) return told(200, { found });
    try {
      const text = await ask(settings, question, JSON.stringify(found));
      log("answer", { question, characters: text.length });
      return told(200, { answer: text, found });
    } catch (error) {
      log("no answer", { question, error: (error as Error).message });
      return told(502, { error: (error as Error).message });
    }
  }

  return Bun.serve({
    hostname: settings.address,
    port: settings.port,
    routes: {
      "/health": { GET: () => told(200, { status: "ok", version }) },
      "/search": { POST: (request) => answer(request, false) },
      "/ask": { POST: (request) => answer(request, true) },
    },
    fetch: () => told(404, { error: "there is no such path" }),
  });
}
