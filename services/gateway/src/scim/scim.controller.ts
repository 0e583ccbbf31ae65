import { Problem, scimGroups, scimUsers, type ScimResponse, type ScimSearch } from '#libs/contracts';
import { matchesETag, project, requirePreconditions, SCIM_LIST_RESPONSE, type Preconditions } from '#libs/scim';
import { Controller, Delete, Get, Param, Patch, Post, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { readParams } from '../operations/read-call.js';
import { readBody, readBodySearch, readProjection, readQuerySearch } from './read-request.js';
import { baseUrlOf, projectionWithIds, withReferences } from './references.js';
import { ScimClient } from './scim-client.js';
import { sendScim } from './scim-reply.js';

const RESOURCES = new Map([
  ['Users', scimUsers],
  ['Groups', scimGroups],
]);

/** SCIM 2.0 for identity providers: https://www.rfc-editor.org/rfc/rfc7644 */
@Controller('scim/v2')
export class ScimController {
  constructor(
    private readonly scim: ScimClient,
    private readonly config: GatewayConfig,
  ) {}

  @Get(':type')
  async list(@Param('type') type: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.search(type, request, reply, readQuerySearch(request));
  }

  @Post(':type/.search')
  async find(@Param('type') type: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.search(type, request, reply, readBodySearch(request));
  }

  @Get(':type/:id')
  async get(@Param('type') type: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { get } = resourceOf(type);
    const view = readProjection(request);
    const response = await this.scim.call(get, request, { view: projectionWithIds(view) }, idIn(request));
    const { ifMatch, ifNoneMatch } = preconditionsOf(request);
    const etag = response.version!;
    requirePreconditions({ ifMatch }, etag);
    if (ifNoneMatch !== undefined && matchesETag(ifNoneMatch, etag)) return sendScim(reply.header('etag', etag), 304);
    this.send(type, request, reply, response, 200);
  }

  @Post(':type')
  async create(@Param('type') type: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { create } = resourceOf(type);
    const response = await this.scim.call(create, request, writeOf(request));
    void reply.header('location', `${this.baseUrl(request)}/${type}/${response.id}`);
    this.send(type, request, reply, response, 201);
  }

  @Put(':type/:id')
  async replace(
    @Param('type') type: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { replace } = resourceOf(type);
    this.send(type, request, reply, await this.scim.call(replace, request, writeOf(request), idIn(request)), 200);
  }

  @Patch(':type/:id')
  async change(@Param('type') type: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { change } = resourceOf(type);
    const write = { ...writeOf(request), baseUrl: this.baseUrl(request) };
    this.send(type, request, reply, await this.scim.call(change, request, write, idIn(request)), 200);
  }

  @Delete(':type/:id')
  async remove(@Param('type') type: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = { view: {}, body: {}, ...preconditionsOf(request) };
    const response = await this.scim.call(resourceOf(type).remove, request, body, idIn(request));
    this.send(type, request, reply, response, 204);
  }

  private async search(
    type: string,
    request: FastifyRequest,
    reply: FastifyReply,
    query: Omit<ScimSearch, 'token'>,
  ): Promise<void> {
    const { view } = query;
    const search = { ...query, view: projectionWithIds(view) };
    const { totalResults, resources } = await this.scim.call(resourceOf(type).search, request, search);
    const baseUrl = this.baseUrl(request);
    sendScim(reply, 200, {
      schemas: [SCIM_LIST_RESPONSE],
      totalResults,
      startIndex: query.startIndex,
      itemsPerPage: resources.length,
      Resources: resources.map((resource) => project(withReferences(resource, type, baseUrl), view)),
    });
  }

  /** @throws Problem as reported by identity in `refused` */
  private send(
    type: string,
    request: FastifyRequest,
    reply: FastifyReply,
    { resource, version, refused }: ScimResponse,
    status: number,
  ): void {
    if (refused) throw Problem.fromBody(refused);
    if (version !== undefined) void reply.header('etag', version);
    if (resource === undefined) return sendScim(reply, 204);
    const complete = withReferences(resource, type, this.baseUrl(request));
    sendScim(reply, status, project(complete, readProjection(request)));
  }

  private baseUrl(request: FastifyRequest): string {
    return baseUrlOf(request, this.config);
  }
}

/** @throws Problem `not-found` */
function resourceOf(type: string): typeof scimUsers {
  const resource = RESOURCES.get(type);
  if (!resource) throw new Problem('not-found', { detail: 'The resource types are Users and Groups.' });
  return resource;
}

/** @throws Problem `not-found` for an id that is not a UUID */
const idIn = (request: FastifyRequest): Record<string, string> => ({ id: readParams(request).id! });

const preconditionsOf = ({ headers }: FastifyRequest): Preconditions => ({
  ...(headers['if-match'] !== undefined && { ifMatch: headers['if-match'] }),
  ...(headers['if-none-match'] !== undefined && { ifNoneMatch: headers['if-none-match'] }),
});

const writeOf = (request: FastifyRequest) => ({
  view: projectionWithIds(readProjection(request)),
  body: readBody(request),
  ...preconditionsOf(request),
});
