import { ServiceClient } from '#libs/broker';
import { activityLines, messageActivityExport } from '#libs/contracts';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { readQueryOnly } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';

/** Streams the export page by page, with back-pressure. */
@Controller()
export class MessageActivityController {
  constructor(private readonly services: ServiceClient) {}

  @Serves(messageActivityExport)
  async export(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const filter = readQueryOnly(messageActivityExport, request);
    const { accountId } = request.principal!;
    const page = (after: string | null) => this.services.ask(activityLines, { accountId, filter, after });
    // Read before the file begins, so that an error here is an ordinary problem response. A later error aborts the
    // stream.
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
