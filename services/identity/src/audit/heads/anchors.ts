import { Injectable } from '@nestjs/common';
import { AUDIT_HEADS, Publisher, StreamReader, type MessageToPublish } from '#libs/broker';
import { Log } from '#libs/observability';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { IdentityConfig } from '../../identity.config.js';

export interface AnchorRecord {
  subject: string;
  /** The same for a repetition. */
  id: string;
  data: object;
}

/** The broker has not confirmed every record. */
export class UnconfirmedRecords extends Error {}

/**
 * What is kept outside of the database, so that nobody can change it who can write to the database: a stream that only
 * grows and, if configured, a file of JSON lines.
 */
@Injectable()
export class Anchors {
  constructor(
    private readonly publisher: Publisher,
    private readonly reader: StreamReader,
    private readonly config: IdentityConfig,
    private readonly log: Log,
  ) {}

  /** @throws UnconfirmedRecords, or an error of the file system; some records may have been kept then */
  async append(records: readonly AnchorRecord[]): Promise<void> {
    await this.appendToFile(records);
    const results = await this.publisher.publishAll(AUDIT_HEADS, records.map(toMessage));
    if (results.some((result) => typeof result === 'object')) throw new UnconfirmedRecords();
  }

  /**
   * The data of all records under a subject, unverified; a record can come twice.
   * @param filter a subject, or one that ends with `>`
   * @throws Error when the broker does not answer or the file cannot be read
   */
  async *read(filter: string): AsyncGenerator<unknown> {
    for await (const { text } of this.reader.read(AUDIT_HEADS, filter)) yield parsed(text);
    yield* this.readFile(filter);
  }

  /** Whether the broker has no record under the subject, for example because it has lost its disk. */
  isMissing(filter: string): Promise<boolean> {
    return this.reader.isEmpty(AUDIT_HEADS, filter);
  }

  private async appendToFile(records: readonly AnchorRecord[]): Promise<void> {
    const { auditAnchorFile: path } = this.config;
    if (path === undefined || records.length === 0) return;
    const file = await open(path, 'a', 0o600);
    try {
      // One write per batch: replicas that append to the same file do not mix their lines.
      await file.appendFile(records.map(({ subject, data }) => `${JSON.stringify({ subject, data })}\n`).join(''));
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  private async *readFile(filter: string): AsyncGenerator<unknown> {
    const { auditAnchorFile: path } = this.config;
    const file = path === undefined ? undefined : await open(path).catch(ignoreMissing);
    if (!file) return;
    let damaged = 0;
    try {
      for await (const line of createInterface({ input: file.createReadStream({ autoClose: false }) })) {
        const record = parsed(line) as { subject?: unknown; data?: unknown } | undefined;
        if (typeof record?.subject !== 'string') damaged += 1;
        else if (matches(record.subject, filter)) yield record.data;
      }
    } finally {
      await file.close();
    }
    if (damaged > 0) this.log.warn({ lines: damaged }, 'the anchor file has lines that cannot be read');
  }
}

const toMessage = ({ subject, id, data }: AnchorRecord): MessageToPublish => ({
  subject,
  id,
  data: JSON.stringify(data),
});

const matches = (subject: string, filter: string): boolean =>
  filter.endsWith('>') ? subject.startsWith(filter.slice(0, -1)) : subject === filter;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
