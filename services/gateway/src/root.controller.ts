import { Controller, Get, Header } from '@nestjs/common';
import { SigningKeys } from '#libs/auth';

@Controller()
export class RootController {
  constructor(private readonly keys: SigningKeys) {}

  @Get()
  links(): Record<string, string> {
    return {
      name: 'Leaver',
      api: '/v1',
      documentation: '/docs',
      openapi: '/openapi.json',
      asyncapi: '/asyncapi.json',
      keys: '/.well-known/jwks.json',
    };
  }

  /** The public keys that verify access tokens and certificates. */
  @Get('.well-known/jwks.json')
  @Header('cache-control', 'public, max-age=60')
  jwks(): Promise<{ keys: object[] }> {
    return this.keys.all();
  }
}
