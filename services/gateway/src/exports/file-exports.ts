import { SessionEpochs } from '#libs/auth';
import { ServiceClient } from '#libs/broker';
import { Problem, recordAccess, type DataAccess, type Principal } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { Authenticator } from '../auth/authenticator.js';
import { OpenWork } from '../limits/open-work.js';

/** Milliseconds after which an API token is checked again; the end of a session is reported to us. */
const CHECK_EVERY = 15_000;

interface ExportedFile {
  name: string;
  mediaType: string;
  /** The entry in the audit trail, unless the owning service has written it. */
  action?: DataAccess['action'];
  /** The next lines or bytes, and where those after them begin; null after the last ones. */
  read: (after: string | null) => Promise<{ lines: string | Buffer; next: string | null }>;
}

/** Streams files page by page, with back-pressure. An export breaks off when the person signs out, leaves or is suspended. */
@Injectable()
export class FileExports {
  constructor(
    private readonly services: ServiceClient,
    private readonly authenticator: Authenticator,
    private readonly epochs: SessionEpochs,
    private readonly open: OpenWork,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `too-many-requests`, `unauthenticated`, and what `read` throws for the first lines */
  async send(request: FastifyRequest, reply: FastifyReply, file: ExportedFile): Promise<void> {
    const { userId, sessionId } = request.principal!;
    const ended = new AbortController();
    const end = this.open.begin('exports', request.principal!);
    const stopListening = this.epochs.onEnd(userId, sessionId, () => ended.abort(new Problem('unauthenticated')));
    reply.raw.once('close', () => {
      stopListening();
      end();
    });
    const pages = this.pages(request, file);
    // Read before the file begins, so that an error here is an ordinary problem response. A later error aborts the
    // stream.
    const first = await pages.next();
    await this.record(request.principal!, file);
    ended.signal.throwIfAborted();
    const content = Readable.from(startingWith(first, pages));
    const breakOff = () => {
      content.destroy(ended.signal.reason as Problem);
      // The file only ends with the page that is being read, which can take half a minute.
      reply.raw.destroy();
    };
    ended.signal.addEventListener('abort', breakOff, { once: true });
    reply.type(file.mediaType).header('content-disposition', `attachment; filename="${file.name}"`);
    await reply.send(content);
  }

  /** An export that cannot be recorded is refused. */
  private async record({ accountId, userId: actorId }: Principal, { action }: ExportedFile): Promise<void> {
    if (action) await this.services.ask(recordAccess, { accesses: [{ action, accountId, actorId }] });
  }

  private async *pages(
    { principal, headers }: FastifyRequest,
    { read }: ExportedFile,
  ): AsyncGenerator<string | Buffer> {
    let checkedAt = this.clock.millis();
    for (let after: string | null = null; ;) {
      if (principal!.sessionId === undefined && this.clock.millis() - checkedAt >= CHECK_EVERY) {
        await this.authenticator.authenticate(headers.authorization);
        checkedAt = this.clock.millis();
      }
      const { lines, next }: { lines: string | Buffer; next: string | null } = await read(after);
      yield lines;
      if (next === null) return;
      after = next;
    }
  }
}

async function* startingWith<T>(first: IteratorResult<T>, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}
