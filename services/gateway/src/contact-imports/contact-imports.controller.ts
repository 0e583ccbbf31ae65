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
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { GatewayConfig } from '../gateway.config.js';
import { onlyUtf8 } from '../http/encoding.js';
import { clientAddress } from '../http/request.js';
import { digestOf, idempotencyKeyOf } from '../operations/idempotency.js';
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
    const principal = request.principal!;
    const key = idempotencyKeyOf(importContacts, request, clientAddress(request, this.config.trustedProxies));
    const file = await fileOf(request, this.config.importLimitBytes);
    const { accountId, userId } = principal;
    const opening = { accountId, userId, userIdField };
    const { importId } = await this.services.ask(openImport, opening, principal);
    try {
      const digest = digestOf(request, await this.send(importId, file));
      const done = await this.services.ask(closeImport, {
        importId,
        ...(key !== undefined && { idempotency: { key, digest } }),
      });
      reply.status(done.status === 'running' ? 202 : 201).header('location', `${importContacts.path}/${done.id}`);
      return done;
    } catch (error) {
      // The file was refused or cut off: abort, so that a partial file is not taken for a whole one.
      const reason = error instanceof Problem && error.status < 500 && { reason: error.message };
      // If the abort fails too, the contacts service fails the upload after an hour without a new chunk.
      await this.services.ask(abortImport, { importId, ...reason }).catch(() => undefined);
      reply.header('connection', 'close');
      throw request.raw.destroyed && !(error instanceof Problem)
        ? new Problem('validation', { detail: 'The upload was interrupted.' })
        : error;
    }
  }

  /** @returns a digest of the file: a form has another boundary each time that it is sent */
  private async send(importId: string, file: Readable): Promise<string> {
    const digest = createHash('sha256');
    let n = 0;
    let sent = 0;
    for await (const piece of inPieces(onlyUtf8(file, 'The file'), IMPORT_CHUNK_BYTES)) {
      sent += piece.length;
      if (sent > this.config.importLimitBytes) throw new Problem('payload-too-large');
      digest.update(piece);
      await this.services.ask(appendImport, { importId, n: n++, data: piece.toString('base64') });
    }
    return digest.digest('hex');
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
