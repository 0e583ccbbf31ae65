import { ServiceClient } from '#libs/broker';
import { exportChunk, exportsDownload } from '#libs/contracts';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FileExports } from '../exports/file-exports.js';
import { Forwarder } from '../operations/forwarder.js';
import { Serves } from '../operations/serves.js';

@Controller()
export class UserExportController {
  constructor(
    private readonly forwarder: Forwarder,
    private readonly services: ServiceClient,
    private readonly exports: FileExports,
  ) {}

  @Serves(exportsDownload)
  async download(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.forwarder.forward(exportsDownload, request, reply);
    const { id } = request.params as { id: string };
    const { accountId } = request.principal!;
    await this.exports.send(request, reply, {
      name: `export-${id}.zip`,
      mediaType: 'application/zip',
      read: async (after) => {
        const chunk = { accountId, exportId: id, n: Number(after ?? 0) };
        const { data, next } = await this.services.ask(exportChunk, chunk);
        return { lines: Buffer.from(data, 'base64'), next: next === null ? null : String(next) };
      },
    });
  }
}
