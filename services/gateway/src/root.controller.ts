import { Controller, Get, Header, Query, Req, Res } from '@nestjs/common';
import { SigningKeys } from '#libs/auth';
import { KEY_PURPOSES, Problem, type KeyPurpose } from '#libs/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ConsoleFiles, PAGE_HEADERS } from './console/console-files.js';

@Controller()
export class RootController {
  constructor(
    private readonly keys: SigningKeys,
    private readonly console: ConsoleFiles,
  ) {}

  /** The console for a browser, links for a program. */
  @Get()
  @Header('vary', 'accept')
  async start(@Req() { headers }: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    if (!this.console.isBuilt || !(headers.accept ?? '').includes('text/html')) return this.links();
    reply.headers(PAGE_HEADERS);
    return this.console.page();
  }

  private links(): Record<string, string> {
    return {
      name: 'Leaver',
      api: '/v1',
      documentation: '/docs',
      openapi: '/openapi.json',
      asyncapi: '/asyncapi.json',
      keys: '/.well-known/jwks.json',
    };
  }

  /** The public keys: all of them, or those whose signatures can count for one purpose. */
  @Get('.well-known/jwks.json')
  @Header('cache-control', 'public, max-age=60')
  jwks(@Query('purpose') purpose?: string): Promise<{ keys: object[] }> {
    if (purpose !== undefined && !isPurpose(purpose))
      throw new Problem('validation', {
        errors: [{ field: 'purpose', message: `purpose must be one of ${KEY_PURPOSES.join(', ')}` }],
      });
    return this.keys.all(purpose);
  }
}

const isPurpose = (text: string): text is KeyPurpose => KEY_PURPOSES.some((purpose) => purpose === text);
