import { ServiceClient } from '#libs/broker';
import {
  abortImport,
  appendImport,
  closeImport,
  IMPORT_CHUNK_BYTES,
  importContacts,
  openImport,
  Problem,
  type ContactImport,
} from '#libs/contracts';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { GatewayConfig } from '../gateway.config.js';
import { onlyUtf8 } from '../http/encoding.js';
import { checkMediaType, readQueryOnly } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';
import { inPieces } from './pieces.js';

/** Streams a file of contacts to the contacts service, with back-pressure. */
@Controller()
export class ContactImportsController {
  constructor(
    private readonly services: ServiceClient,
    private readonly config: GatewayConfig,
  ) {}

  @Serves(importContacts)
  async create(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContactImport> {
    const { userIdField = null } = readQueryOnly(importContacts, request);
    checkMediaType(importContacts, request);
    const { accountId, userId } = request.principal!;
    const file = await fileOf(request, this.config.importLimitBytes);
    const { importId } = await this.services.ask(openImport, { accountId, userId, userIdField });
    try {
      await this.send(importId, file);
      const done = await this.services.ask(closeImport, { importId });
      reply.status(done.status === 'running' ? 202 : 201).header('location', `${importContacts.path}/${done.id}`);
      return done;
    } catch (error) {
      // The client has disconnected or the file is too large: abort, so that a partial file is not taken for a whole
      // one. If the abort fails too, the contacts service discards an upload that has been silent for an hour.
      await this.services.ask(abortImport, { importId }).catch(() => undefined);
      reply.header('connection', 'close');
      throw request.raw.destroyed && !(error instanceof Problem)
        ? new Problem('validation', { detail: 'The upload was interrupted.' })
        : error;
    }
  }

  private async send(importId: string, file: Readable): Promise<void> {
    let n = 0;
    let sent = 0;
    for await (const piece of inPieces(onlyUtf8(file, 'The file'), IMPORT_CHUNK_BYTES)) {
      sent += piece.length;
      if (sent > this.config.importLimitBytes) throw new Problem('payload-too-large');
      await this.services.ask(appendImport, { importId, n: n++, data: piece.toString('base64') });
    }
  }
}

/** @throws Problem `validation` when there is no file */
async function fileOf(request: FastifyRequest, limit: number): Promise<Readable> {
  if (!request.isMultipart()) {
    if (request.body) return request.body as Readable;
    throw missing();
  }
  // One byte more than allowed is let through, so that `send` notices an oversized file.
  const part = await request.file({ limits: { files: 1, fileSize: limit + 1 }, throwFileSizeLimit: false });
  if (!part) throw missing();
  return part.file;
}

const missing = () => new Problem('validation', { errors: [{ field: 'file', message: 'A CSV file is required' }] });
