import { Problem, scimGroups, scimUsers, type ScimAnswer, type ScimSearch } from '#libs/contracts';
import { Controller, Delete, Get, Param, Patch, Post, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { readParams } from '../operations/read-call.js';
import { addressed, rootOf } from './addresses.js';
import { bodyOf, searchIn, searchOf, viewOf } from './read-request.js';
import { ScimClient } from './scim-client.js';
import { sendScim } from './scim-reply.js';

const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
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
    await this.search(type, request, reply, searchOf(request));
  }

  @Post(':type/.search')
  async find(@Param('type') type: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.search(type, request, reply, searchIn(request));
  }

  @Get(':type/:id')
  async get(@Param('type') type: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { get } = resourceOf(type);
    const answer = await this.scim.call(get, request, { view: viewOf(request) }, idIn(request));
    const known = request.headers['if-none-match'];
    if (known !== undefined && known === answer.version) return sendScim(reply.header('etag', known), 304);
    this.answer(type, request, reply, answer, 200);
  }

  @Post(':type')
  async create(@Param('type') type: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { create } = resourceOf(type);
    const answer = await this.scim.call(create, request, written(request));
    void reply.header('location', `${this.root(request)}/${type}/${answer.id}`);
    this.answer(type, request, reply, answer, 201);
  }

  @Put(':type/:id')
  async replace(
    @Param('type') type: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { replace } = resourceOf(type);
    this.answer(type, request, reply, await this.scim.call(replace, request, written(request), idIn(request)), 200);
  }

  @Patch(':type/:id')
  async change(@Param('type') type: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { change } = resourceOf(type);
    this.answer(type, request, reply, await this.scim.call(change, request, written(request), idIn(request)), 200);
  }

  @Delete(':type/:id')
  async remove(@Param('type') type: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const said = { view: {}, body: {}, ...conditionOf(request) };
    const answer = await this.scim.call(resourceOf(type).remove, request, said, idIn(request));
    this.answer(type, request, reply, answer, 204);
  }

  private async search(
    type: string,
    request: FastifyRequest,
    reply: FastifyReply,
    query: Omit<ScimSearch, 'token'>,
  ): Promise<void> {
    const { totalResults, resources } = await this.scim.call(resourceOf(type).search, request, query);
    const root = this.root(request);
    sendScim(reply, 200, {
      schemas: [LIST],
      totalResults,
      startIndex: query.startIndex,
      itemsPerPage: resources.length,
      Resources: resources.map((resource) => addressed(resource, type, root)),
    });
  }

  /** @throws Problem what the answer says was refused */
  private answer(
    type: string,
    request: FastifyRequest,
    reply: FastifyReply,
    { resource, version, refused }: ScimAnswer,
    status: number,
  ): void {
    if (refused) throw Problem.fromBody(refused);
    if (version !== undefined) void reply.header('etag', version);
    if (resource === undefined) return sendScim(reply, 204);
    sendScim(reply, status, addressed(resource, type, this.root(request)));
  }

  private root(request: FastifyRequest): string {
    return rootOf(request, this.config);
  }
}

/** @throws Problem `not-found` */
function resourceOf(type: string): typeof scimUsers {
  const resource = RESOURCES.get(type);
  if (!resource) throw new Problem('not-found', { detail: 'There are Users and Groups.' });
  return resource;
}

/** @throws Problem `not-found` for an id that can't be one */
const idIn = (request: FastifyRequest): Record<string, string> => ({ id: readParams(request).id! });

const conditionOf = ({ headers }: FastifyRequest) =>
  headers['if-match'] === undefined ? {} : { ifMatch: headers['if-match'] };

const written = (request: FastifyRequest) => ({
  view: viewOf(request),
  body: bodyOf(request),
  ...conditionOf(request),
});
