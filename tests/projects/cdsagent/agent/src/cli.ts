// The command line of the index, as a program of its own.

export interface Told {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Run it. It finds the index by CDS_INDEX_URL of our own environment, and gets no secrets. */
export async function cds(program: string, words: readonly string[], timeout: number): Promise<Told> {
  const kept = ["PATH", "HOME", "ENV_PROFILE", "CDS_INDEX_URL"];
  const env = Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  let child;
  try {
    child = Bun.spawn([program, ...words], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout });
  } catch (error) {
    return { code: 127, out: "", error: `${program}: ${(error as Error).message}` };
  }
  const [out, error, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out: out.trim(), error: error.trim() };
}
