import { ServiceClient } from '#libs/broker';
import { AUDIT_EXPORT_TYPES, auditExport, auditLines } from '#libs/contracts';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FileExports } from '../exports/file-exports.js';
import { readQueryOnly } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';

@Controller()
export class AuditExportController {
  constructor(
    private readonly services: ServiceClient,
    private readonly exports: FileExports,
  ) {}

  @Serves(auditExport)
  async export(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { format = 'csv', ...filter } = readQueryOnly(auditExport, request);
    const { accountId } = request.principal!;
    await this.exports.send(request, reply, {
      name: `audit.${format}`,
      mediaType: `${AUDIT_EXPORT_TYPES[format]}; charset=utf-8`,
      action: 'audit.exported',
      read: (after) => this.services.ask(auditLines, { accountId, format, filter, after }),
    });
  }
}
