import { Problem, scimCheck, type ScimObject } from '#libs/contracts';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { rootOf } from './addresses.js';
import { RESOURCE_TYPES, SCHEMAS, SERVICE_PROVIDER_CONFIG } from './discovery.js';
import { ScimClient } from './scim-client.js';
import { sendScim } from './scim-reply.js';

const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** What SCIM clients may expect here. Only for those with a token, like everything else. */
@Controller('scim/v2')
export class DiscoveryController {
  constructor(
    private readonly scim: ScimClient,
    private readonly config: GatewayConfig,
  ) {}

  @Get('ServiceProviderConfig')
  async configuration(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.scim.call(scimCheck, request, {});
    sendScim(reply, 200, this.located(request, 'ServiceProviderConfig', SERVICE_PROVIDER_CONFIG));
  }

  @Get('Schemas')
  schemas(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.list(request, reply, 'Schema', SCHEMAS);
  }

  @Get('Schemas/:name')
  schema(@Param('name') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.one(request, reply, 'Schema', SCHEMAS.get(name));
  }

  @Get('ResourceTypes')
  resourceTypes(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.list(request, reply, 'ResourceType', RESOURCE_TYPES);
  }

  @Get('ResourceTypes/:name')
  resourceType(@Param('name') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.one(request, reply, 'ResourceType', RESOURCE_TYPES.get(name));
  }

  /** @throws Problem `forbidden` when a filter is given (RFC 7644, 4) */
  private async list(
    request: FastifyRequest,
    reply: FastifyReply,
    resourceType: string,
    resources: ReadonlyMap<string, ScimObject>,
  ): Promise<void> {
    await this.scim.call(scimCheck, request, {});
    if ((request.query as ScimObject).filter !== undefined)
      throw new Problem('forbidden', { detail: 'These lists are not filtered.' });
    const all = [...resources.values()].map((one) => this.located(request, resourceType, one));
    const counts = { totalResults: all.length, startIndex: 1, itemsPerPage: all.length };
    sendScim(reply, 200, { schemas: [LIST], ...counts, Resources: all });
  }

  /** @throws Problem `not-found` */
  private async one(
    request: FastifyRequest,
    reply: FastifyReply,
    resourceType: string,
    resource: ScimObject | undefined,
  ): Promise<void> {
    await this.scim.call(scimCheck, request, {});
    if (!resource) throw new Problem('not-found');
    sendScim(reply, 200, this.located(request, resourceType, resource));
  }

  private located(request: FastifyRequest, resourceType: string, resource: ScimObject): ScimObject {
    const root = rootOf(request, this.config);
    const path = resource.id === undefined ? resourceType : `${resourceType}s/${String(resource.id)}`;
    return { ...resource, meta: { resourceType, location: `${root}/${path}` } };
  }
}
