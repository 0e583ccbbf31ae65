import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  scimCheck,
  scimTokensCreate,
  scimTokensList,
  scimTokensRevoke,
  type CallOf,
  type CreatedScimToken,
  type Page,
  type ScimToken,
} from '#libs/contracts';
import { ScimTokens } from './scim-tokens.js';
import { KNOWN_BY_TOKEN } from './provider.js';

@Controller()
export class ScimTokenController {
  constructor(private readonly tokens: ScimTokens) {}

  @Handles(scimTokensCreate)
  create({ principal, body }: CallOf<typeof scimTokensCreate>): Promise<CreatedScimToken> {
    return this.tokens.create(principal, body);
  }

  @Handles(scimTokensList)
  list({ principal, query }: CallOf<typeof scimTokensList>): Promise<Page<ScimToken>> {
    return this.tokens.page(principal, query);
  }

  @Handles(scimTokensRevoke)
  revoke({ principal, params }: CallOf<typeof scimTokensRevoke>): Promise<void> {
    return this.tokens.revoke(principal, params.id!);
  }

  @Handles(scimCheck, KNOWN_BY_TOKEN)
  check({ body }: CallOf<typeof scimCheck>): Promise<{ good: true }> {
    return this.tokens.use(body.token, async () => ({ good: true }));
  }
}
