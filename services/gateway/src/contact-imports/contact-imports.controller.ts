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
import { checkMediaType, readQueryOnly } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';
import { inPieces } from './pieces.js';

/** Streams a file of contacts to the service that imports it, no faster than that service takes it. */
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
      // A client that has gone away or a file too large: what came of it must not look like a whole file.
      // If that fails as well, contacts gives the upload up when it has been silent for an hour.
      await this.services.ask(abortImport, { importId }).catch(() => undefined);
      reply.header('connection', 'close');
      throw request.raw.destroyed && !(error instanceof Problem)
        ? new Problem('validation', { detail: 'The upload broke off.' })
        : error;
    }
  }

  private async send(importId: string, file: Readable): Promise<void> {
    let n = 0;
    let sent = 0;
    for await (const piece of inPieces(file, IMPORT_CHUNK_BYTES)) {
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
  // One byte more than allowed comes through, so that `send` notices.
  const part = await request.file({ limits: { files: 1, fileSize: limit + 1 }, throwFileSizeLimit: false });
  if (!part) throw missing();
  return part.file;
}

const missing = () => new Problem('validation', { errors: [{ field: 'file', message: 'A CSV file is required' }] });
