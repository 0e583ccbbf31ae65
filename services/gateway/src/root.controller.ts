import { Controller, Get, Header, Query } from '@nestjs/common';
import { SigningKeys } from '#libs/auth';
import { KEY_PURPOSES, Problem, type KeyPurpose } from '#libs/contracts';

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
