import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { apiTokensOfUserList, apiTokensOfUserRevoke, type ApiToken, type CallOf, type Page } from '#libs/contracts';
import { ApiTokens } from './api-tokens.js';

/** The API tokens of other users, for managers. */
@Controller()
export class ApiTokenController {
  constructor(private readonly tokens: ApiTokens) {}

  @Handles(apiTokensOfUserList)
  list({ principal, params, query }: CallOf<typeof apiTokensOfUserList>): Promise<Page<ApiToken>> {
    return this.tokens.pageOf(principal, params.id!, query);
  }

  @Handles(apiTokensOfUserRevoke)
  revoke({ principal, params }: CallOf<typeof apiTokensOfUserRevoke>): Promise<void> {
    return this.tokens.revokeOf(principal, params.id!, params.tokenId!);
  }
}
