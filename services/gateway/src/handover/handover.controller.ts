import { departuresHandover, HANDOVER_TYPES, type HandoverReport } from '#libs/contracts';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Forwarder } from '../operations/forwarder.js';
import { readQueryOnly } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';
import { handoverCsv } from './handover-csv.js';
import { handoverPage, PAGE_POLICY } from './handover-page.js';
import { preferred } from './media-type.js';

/** Answers a handover report as JSON, CSV or HTML. */
@Controller()
export class HandoverController {
  constructor(private readonly forwarder: Forwarder) {}

  @Serves(departuresHandover)
  async read(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<unknown> {
    const { format = preferred(request.headers.accept ?? '', HANDOVER_TYPES) } = readQueryOnly(
      departuresHandover,
      request,
    );
    const report = (await this.forwarder.forward(departuresHandover, request, reply)) as HandoverReport;
    reply.header('vary', 'accept');
    if (format === 'json') return report;
    const name = `handover-${report.departureId}.${format}`;
    reply.type(`${HANDOVER_TYPES[format]}; charset=utf-8`);
    if (format === 'csv') {
      reply.header('content-disposition', `attachment; filename="${name}"`);
      return handoverCsv(report);
    }
    reply.header('content-disposition', `inline; filename="${name}"`);
    reply.header('content-security-policy', PAGE_POLICY);
    return handoverPage(report);
  }
}
