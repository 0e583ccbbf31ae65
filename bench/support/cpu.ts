import { readdir, readFile } from 'node:fs/promises';

/** CPU seconds by process group. */
export interface Cpu {
  node: number;
  postgres: number;
  nats: number;
}

const TICKS_PER_SECOND = 100;

export const total = ({ node, postgres, nats }: Cpu): number => node + postgres + nats;

export const minus = (after: Cpu, before: Cpu): Cpu => ({
  node: after.node - before.node,
  postgres: after.postgres - before.postgres,
  nats: after.nats - before.nats,
});

/** CPU seconds of a process and all its descendants, also of ended ones. 0 on systems without /proc. */
export async function cpuOf(pid: number): Promise<number> {
  const processes = await everyProcess();
  const family = new Set([pid]);
  for (let before = 0; before < family.size;) {
    before = family.size;
    for (const one of processes) if (family.has(one.parent)) family.add(one.pid);
  }
  const own = processes.filter((one) => family.has(one.pid));
  return own.reduce((sum, one) => sum + one.ticks, 0) / TICKS_PER_SECOND;
}

interface Usage {
  pid: number;
  parent: number;
  ticks: number;
}

async function everyProcess(): Promise<Usage[]> {
  const names = await readdir('/proc').catch(() => []);
  const found = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(usageOf));
  return found.flatMap((one) => one ?? []);
}

/** Reads the fields after the program's name, which may contain spaces: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function usageOf(name: string): Promise<Usage | undefined> {
  const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid: Number(name), parent: Number(fields[1]), ticks };
}
