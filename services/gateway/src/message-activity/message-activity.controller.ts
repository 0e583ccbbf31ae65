import { ServiceClient } from '#libs/broker';
import { activityLines, messageActivityExport } from '#libs/contracts';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FileExports } from '../exports/file-exports.js';
import { readQueryOnly } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';

@Controller()
export class MessageActivityController {
  constructor(
    private readonly services: ServiceClient,
    private readonly exports: FileExports,
  ) {}

  @Serves(messageActivityExport)
  async export(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const filter = readQueryOnly(messageActivityExport, request);
    const { accountId } = request.principal!;
    await this.exports.send(request, reply, {
      name: 'message-activity.csv',
      mediaType: 'text/csv; charset=utf-8',
      action: 'message-activity.exported',
      read: (after) => this.services.ask(activityLines, { accountId, filter, after }),
    });
  }
}
