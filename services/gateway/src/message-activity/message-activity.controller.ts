import { SessionEpochs } from '#libs/auth';
import { ServiceClient } from '#libs/broker';
import {
  activityLines,
  messageActivityExport,
  Problem,
  recordAccess,
  type ActivityQuery,
  type Principal,
} from '#libs/contracts';
import { Clock } from '#libs/database';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { Authenticator } from '../auth/authenticator.js';
import { OpenWork } from '../limits/open-work.js';
import { readQueryOnly } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';

/** Milliseconds after which an API token is checked again; the end of a session is reported to us. */
const CHECK_EVERY = 15_000;

/** Streams the export page by page, with back-pressure. It breaks off when the person signs out or leaves. */
@Controller()
export class MessageActivityController {
  constructor(
    private readonly services: ServiceClient,
    private readonly authenticator: Authenticator,
    private readonly epochs: SessionEpochs,
    private readonly open: OpenWork,
    private readonly clock: Clock,
  ) {}

  @Serves(messageActivityExport)
  async export(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const filter = readQueryOnly(messageActivityExport, request);
    const { userId, sessionId } = request.principal!;
    const ended = new AbortController();
    const end = this.open.begin('exports', request.principal!);
    const stopListening = this.epochs.onEnd(userId, sessionId, () => ended.abort(new Problem('unauthenticated')));
    reply.raw.once('close', () => {
      stopListening();
      end();
    });
    const pages = this.pages(request, filter);
    // Read before the file begins, so that an error here is an ordinary problem response. A later error aborts the
    // stream.
    const first = await pages.next();
    await this.record(request.principal!);
    ended.signal.throwIfAborted();
    const file = Readable.from(startingWith(first, pages));
    const breakOff = () => {
      file.destroy(ended.signal.reason as Problem);
      // The file only ends with the page that is being read, which can take half a minute.
      reply.raw.destroy();
    };
    ended.signal.addEventListener('abort', breakOff, { once: true });
    reply.type('text/csv; charset=utf-8').header('content-disposition', 'attachment; filename="message-activity.csv"');
    await reply.send(file);
  }

  /** An export that cannot be recorded is refused. */
  private async record({ accountId, userId: actorId }: Principal): Promise<void> {
    const exported = { action: 'message-activity.exported', accountId, actorId } as const;
    await this.services.ask(recordAccess, { accesses: [exported] });
  }

  private async *pages({ principal, headers }: FastifyRequest, filter: ActivityQuery): AsyncGenerator<string> {
    const { accountId, sessionId } = principal!;
    let checkedAt = this.clock.millis();
    for (let after: string | null = null; ;) {
      if (sessionId === undefined && this.clock.millis() - checkedAt >= CHECK_EVERY) {
        await this.authenticator.authenticate(headers.authorization);
        checkedAt = this.clock.millis();
      }
      const { lines, next }: { lines: string; next: string | null } = await this.services.ask(activityLines, {
        accountId,
        filter,
        after,
      });
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
