import type { ExportPage, ExportPosition, MissingService } from '#libs/contracts';
import { ZipFile, type ZipState } from './zip-file.js';

/** What the file has of one table. */
export interface ExportedKind {
  service: string;
  table: string;
  labels: string[];
  rows: number;
  withheld: string[];
  cut: number;
}

/** How far an export is. It contains counts and names of tables, and no personal data. */
export interface ExportProgress {
  /** The services that are still to be asked, the current one first. */
  services: string[];
  /** Where the current service goes on. */
  after: ExportPosition | null;
  /** Tries of the current page that had no answer. */
  tries: number;
  kinds: ExportedKind[];
  missing: MissingService[];
  /** Tables that name users and are not exported, with the reason, by service. */
  omitted: Record<string, Record<string, string>>;
  zip: ZipState;
  /** Whether the archive is complete; its digest is still to be computed. */
  ended?: true;
}

export const newProgress = (services: readonly string[]): ExportProgress => ({
  services: [...services],
  after: null,
  tries: 0,
  kinds: [],
  missing: [],
  omitted: {},
  zip: { offset: 0, entries: [] },
});

/** The state after this page of the current service, and the bytes that it adds to the archive. */
export function withPage(progress: ExportProgress, page: ExportPage): { progress: ExportProgress; bytes: Buffer } {
  const next = structuredClone(progress);
  const service = next.services[0]!;
  const zip = new ZipFile(next.zip);
  for (const { lines, ...part } of page.parts) {
    if (part.rows > 0) zip.add(`${service}/${part.table}.ndjson`, lines);
    const known = next.kinds.find((kind) => kind.service === service && kind.table === part.table);
    if (known) {
      known.rows += part.rows;
      known.cut += part.cut;
    } else next.kinds.push({ service, ...part });
  }
  if (page.omitted) next.omitted[service] = page.omitted;
  next.tries = 0;
  next.after = page.next;
  if (page.next === null) next.services.shift();
  return { progress: next, bytes: zip.take() };
}

/** The state after giving up on the current service. */
export function withoutService(progress: ExportProgress, reason: string): ExportProgress {
  const [service, ...services] = progress.services;
  return {
    ...progress,
    services,
    after: null,
    tries: 0,
    missing: [...progress.missing, { service: service!, reason }],
  };
}

export const rowsOf = ({ kinds }: ExportProgress): number => kinds.reduce((sum, { rows }) => sum + rows, 0);
