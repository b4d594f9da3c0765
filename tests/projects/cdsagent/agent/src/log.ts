// One line of JSON for an event: on the error output, and in a file that outlives the process.

import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

export type Log = (event: string, about?: Readonly<Record<string, unknown>>) => void;

/** A secret that gets into a line is not written. */
export function logTo(folder: string, secret: string): Log {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "agent.log");
  const written = JSON.stringify(secret).slice(1, -1);
  return (event, about = {}) => {
    const line = JSON.stringify({ at: new Date().toISOString(), event, ...about }).replaceAll(written, "***");
    console.error(line);
    appendFileSync(file, `${line}\n`);
  };
}
