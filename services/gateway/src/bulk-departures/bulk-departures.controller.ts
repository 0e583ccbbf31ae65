import { ServiceClient } from '#libs/broker';
import { departuresBulk, departuresBulkPlanned, Problem, type BulkQuery, type BulkRequest } from '#libs/contracts';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { textOf } from '../http/encoding.js';
import { clientOf, mediaTypeOf } from '../http/request.js';
import { Forwarder } from '../operations/forwarder.js';
import { idempotencyOf } from '../operations/idempotency.js';
import { readCall, readQueryOnly } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';

/**
 * Accepts a bulk departure as JSON, like other operations, or as a CSV file of staff ids, which is passed on unparsed.
 */
@Controller()
export class BulkDeparturesController {
  constructor(
    private readonly forwarder: Forwarder,
    private readonly services: ServiceClient,
    private readonly config: GatewayConfig,
  ) {}

  @Serves(departuresBulk)
  async create(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<unknown> {
    if (mediaTypeOf(request) !== 'text/csv') {
      const { query, body } = readCall(departuresBulk, request) as { query: BulkQuery; body: BulkRequest };
      return this.forwarder.forward(operationFor(query, body), request, reply);
    }
    const query = readQueryOnly(departuresBulk, request);
    const body = { csv: await this.read(request, reply) };
    request.body = body;
    const client = clientOf(request, this.config.trustedProxies);
    const idempotency = idempotencyOf(departuresBulk, request, client.ip);
    const started = await this.services.call(operationFor(query), {
      principal: request.principal!,
      query,
      body,
      idempotency,
      client,
    });
    reply.header('location', `${departuresBulk.path}/${started.id}`);
    return started;
  }

  /** Reads the file, up to the size that fits into one message. */
  private async read(request: FastifyRequest, reply: FastifyReply): Promise<string> {
    const limit = this.config.jsonLimitBytes;
    const pieces: Buffer[] = [];
    let size = 0;
    try {
      for await (const piece of (request.body ?? []) as AsyncIterable<Buffer>) {
        size += piece.length;
        if (size > limit) throw new Problem('payload-too-large');
        pieces.push(piece);
      }
    } catch (error) {
      reply.header('connection', 'close');
      throw error instanceof Problem ? error : new Problem('validation', { detail: 'The upload was interrupted.' });
    }
    const csv = textOf(Buffer.concat(pieces), 'The file');
    if (Buffer.byteLength(JSON.stringify(csv)) > limit) throw new Problem('payload-too-large');
    return csv;
  }
}

const operationFor = ({ dryRun, planToken }: BulkQuery, body?: BulkRequest) =>
  dryRun || (planToken ?? body?.planToken) !== undefined ? departuresBulkPlanned() : departuresBulk;
