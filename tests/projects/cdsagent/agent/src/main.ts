// cds-agent: starts the agent, and stops it when it is asked to.

import { version } from "../package.json";
import { logTo } from "./log";
import { serve } from "./service";
import { DEFAULTS, Misconfigured, settings } from "./settings";

/** sysexits.h: the configuration is wrong, and starting again will not help. */
const EX_CONFIG = 78;

function start(): void {
  const found = settings(process.env);
  const log = logTo(found.logs, found.key);
  const server = serve(found, log);
  const { profile, provider, model } = found;
  log("listening", { address: `${server.hostname}:${server.port}`, version, profile, provider, model });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, async () => {
      await server.stop();
      log("stopped", { signal });
      process.exit(0);
    });
  }
}

const words = process.argv.slice(2);
if (words.length === 0) {
  try {
    start();
  } catch (error) {
    console.error(String((error as Error).message).replaceAll(/^/gm, "cds-agent: "));
    process.exit(error instanceof Misconfigured ? EX_CONFIG : 1);
  }
} else if (words[0] === "--version") {
  console.log(`cds-agent ${version}`);
} else if (words[0] === "--defaults") {
  for (const [name, value] of Object.entries(DEFAULTS)) console.log(`${name}=${value}`);
} else {
  console.error("usage: cds-agent [--version | --defaults]");
  process.exit(2);
}
