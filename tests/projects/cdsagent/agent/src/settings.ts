// What the environment says, or the defaults; all that is wrong with it at once, and never the value of a secret.

import { readFileSync } from "node:fs";
import ms from "ms";

export type Environment = Readonly<Record<string, string | undefined>>;
export type Provider = "anthropic" | "openai";

export interface Settings {
  readonly profile: string;
  readonly address: string;
  readonly port: number;
  readonly program: string;
  readonly logs: string;
  readonly timeout: number;
  readonly provider: Provider;
  readonly model: string;
  readonly url: string;
  readonly key: string;
}

/** Every variable that is read, and its value where it is not set. CDS_INDEX_URL is for the command line. */
export const DEFAULTS: Readonly<Record<string, string>> = {
  ENV_PROFILE: "prod",
  CDS_AGENT_BIND: "127.0.0.1",
  CDS_AGENT_PORT: "3031",
  CDS_AGENT_LOGS: "volumes/agent_logs",
  CDS_PROGRAM: "cds",
  CDS_AGENT_TIMEOUT: "30s",
  CDS_INDEX_URL: "http://127.0.0.1:3030",
  CDS_PROVIDER: "anthropic",
  CDS_MODEL: "",
  CDS_MODEL_URL: "",
};
/** Each may be a file instead: NAME_FILE is its path. */
export const SECRETS: Readonly<Record<Provider, string>> = {
  anthropic: "ANTHROPIC_API_KEY",
  openai: "OPENAI_API_KEY",
};
const PROFILES = ["dev", "staging", "prod"];
const MODELS: Readonly<Record<Provider, [model: string, url: string]>> = {
  anthropic: ["claude-sonnet-4-5", "https://api.anthropic.com"],
  openai: ["gpt-5", "https://api.openai.com"],
};

/** What is wrong with the environment, a line for each variable. */
export class Misconfigured extends Error {}

export function settings(env: Environment): Settings {
  const problems: string[] = [];
  const text = (name: string): string => env[name] || (DEFAULTS[name] ?? "");
  const wrong = (name: string, expected: string): void => {
    problems.push(`${name}: expected ${expected}, got ${JSON.stringify(text(name))}`);
  };
  if (!PROFILES.includes(text("ENV_PROFILE"))) wrong("ENV_PROFILE", `one of ${PROFILES.join(", ")}`);
  const port = Number(text("CDS_AGENT_PORT"));
  if (!Number.isInteger(port) || port < 0 || port > 65535) wrong("CDS_AGENT_PORT", "a number from 0 to 65535");
  const timeout = ms(text("CDS_AGENT_TIMEOUT")) ?? 0;
  if (!(timeout > 0)) wrong("CDS_AGENT_TIMEOUT", "a duration, such as 30s");
  const provider = text("CDS_PROVIDER") as Provider;
  if (!(provider in SECRETS)) wrong("CDS_PROVIDER", Object.keys(SECRETS).join(" or "));
  const key = provider in SECRETS ? secret(env, SECRETS[provider], problems) : "";
  if (problems.length) throw new Misconfigured(problems.join("\n"));
  const [model, url] = MODELS[provider];
  return {
    profile: text("ENV_PROFILE"),
    address: text("CDS_AGENT_BIND"),
    port,
    program: text("CDS_PROGRAM"),
    logs: text("CDS_AGENT_LOGS"),
    timeout,
    provider,
    model: text("CDS_MODEL") || model,
    url: (text("CDS_MODEL_URL") || url).replace(/\/+$/, ""),
    key,
  };
}

function secret(env: Environment, name: string, problems: string[]): string {
  const file = env[`${name}_FILE`];
  try {
    const found = (env[name] || (file ? readFileSync(file, "utf8") : "")).trim();
    if (!found) problems.push(`${name}: is required, or ${name}_FILE with the path of a file that holds it`);
    return found;
  } catch (error) {
    problems.push(`${name}_FILE: ${(error as Error).message}`);
    return "";
  }
}
