import { Problem, scimCheck, type ScimObject } from '#libs/contracts';
import { RESOURCE_TYPES, SCHEMAS, SCIM_LIST_RESPONSE } from '#libs/scim';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { baseUrlOf } from './references.js';
import { ScimClient } from './scim-client.js';
import { sendScim } from './scim-reply.js';
import { SERVICE_PROVIDER_CONFIG } from './service-provider-config.js';

type Described = { id?: string };

/** Discovery (RFC 7644, 4). It takes a token like every other SCIM endpoint. */
@Controller('scim/v2')
export class DiscoveryController {
  constructor(
    private readonly scim: ScimClient,
    private readonly config: GatewayConfig,
  ) {}

  @Get('ServiceProviderConfig')
  async configuration(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.scim.call(scimCheck, request, {});
    sendScim(reply, 200, this.withLocation(request, 'ServiceProviderConfig', SERVICE_PROVIDER_CONFIG));
  }

  @Get('Schemas')
  schemas(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.sendList(request, reply, 'Schema', SCHEMAS);
  }

  @Get('Schemas/:name')
  schema(@Param('name') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.sendOne(request, reply, 'Schema', SCHEMAS.get(name));
  }

  @Get('ResourceTypes')
  resourceTypes(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.sendList(request, reply, 'ResourceType', RESOURCE_TYPES);
  }

  @Get('ResourceTypes/:name')
  resourceType(@Param('name') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.sendOne(request, reply, 'ResourceType', RESOURCE_TYPES.get(name));
  }

  /** @throws Problem `forbidden` when a filter is given (RFC 7644, 4) */
  private async sendList(
    request: FastifyRequest,
    reply: FastifyReply,
    resourceType: string,
    resources: ReadonlyMap<string, Described>,
  ): Promise<void> {
    await this.scim.call(scimCheck, request, {});
    if ((request.query as ScimObject).filter !== undefined)
      throw new Problem('forbidden', { detail: 'These lists do not support filters.' });
    const all = [...resources.values()].map((one) => this.withLocation(request, resourceType, one));
    const counts = { totalResults: all.length, startIndex: 1, itemsPerPage: all.length };
    sendScim(reply, 200, { schemas: [SCIM_LIST_RESPONSE], ...counts, Resources: all });
  }

  /** @throws Problem `not-found` */
  private async sendOne(
    request: FastifyRequest,
    reply: FastifyReply,
    resourceType: string,
    resource: Described | undefined,
  ): Promise<void> {
    await this.scim.call(scimCheck, request, {});
    if (!resource) throw new Problem('not-found');
    sendScim(reply, 200, this.withLocation(request, resourceType, resource));
  }

  private withLocation(request: FastifyRequest, resourceType: string, resource: Described): ScimObject {
    const baseUrl = baseUrlOf(request, this.config);
    const path = resource.id === undefined ? resourceType : `${resourceType}s/${resource.id}`;
    return { ...resource, meta: { resourceType, location: `${baseUrl}/${path}` } };
  }
}
