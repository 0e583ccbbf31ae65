import { cpus, release, totalmem, type as systemOf } from 'node:os';

/** The hardware and system of the measurements, in one line. */
export function machine(): string {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} × ${first?.model.trim()}, ${memory} GB, ${systemOf()} ${release()}, Node ${process.versions.node}`;
}
