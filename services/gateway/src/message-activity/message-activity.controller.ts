import { ServiceClient } from '#libs/broker';
import { activityLines, messageActivityExport } from '#libs/contracts';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { readQueryOnly } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';

/** Passes the export on page by page, as fast as the client takes it. */
@Controller()
export class MessageActivityController {
  constructor(private readonly services: ServiceClient) {}

  @Serves(messageActivityExport)
  async export(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const filter = readQueryOnly(messageActivityExport, request);
    const { accountId } = request.principal!;
    const page = (after: string | null) => this.services.ask(activityLines, { accountId, filter, after });
    // Asked before the file begins, so that what goes wrong at first is an ordinary problem. Later it breaks off.
    const first = await page(null);
    async function* file() {
      for (let { lines, next } = first; ; { lines, next } = await page(next)) {
        yield lines;
        if (next === null) return;
      }
    }
    reply.type('text/csv; charset=utf-8').header('content-disposition', 'attachment; filename="message-activity.csv"');
    await reply.send(Readable.from(file()));
  }
}
