import { Controller } from '@nestjs/common';
import { Handles, Prepares, type PrepareAgain } from '#libs/broker';
import { scimUsers, type CallOf, type ScimListResponse, type ScimResponse } from '#libs/contracts';
import { listResponse } from '../responses.js';
import type { Prepared } from '../../departures/plan/preflight.js';
import { ScimActivation } from './scim-activation.js';
import { ScimTokens } from '../scim-tokens.js';
import { ScimUserRows } from './scim-user-rows.js';
import { toScimUser } from './scim-user-view.js';
import { ScimUsers } from './scim-users.js';
import { KNOWN_BY_TOKEN } from '../provider.js';

@Controller()
export class ScimUsersController {
  constructor(
    private readonly tokens: ScimTokens,
    private readonly rows: ScimUserRows,
    private readonly users: ScimUsers,
    private readonly activation: ScimActivation,
  ) {}

  @Handles(scimUsers.search, KNOWN_BY_TOKEN)
  async search({ body }: CallOf<typeof scimUsers.search>): Promise<ScimListResponse> {
    return this.tokens.use(body.token, async ({ accountId }) => {
      const { total, rows } = await this.rows.search(accountId, body);
      return listResponse(total, rows.map(toScimUser), body.view);
    });
  }

  @Handles(scimUsers.get, KNOWN_BY_TOKEN)
  async get({ body, params }: CallOf<typeof scimUsers.get>): Promise<ScimResponse> {
    return this.tokens.use(body.token, (provider) => this.users.get(provider, params.id!, body.view));
  }

  @Prepares(scimUsers.create)
  async prepareCreation({ body }: CallOf<typeof scimUsers.create>): Promise<string | undefined> {
    await this.tokens.providerOf(body.token);
    return this.users.prepareCreation(body.body);
  }

  @Handles(scimUsers.create, KNOWN_BY_TOKEN)
  async create({ body }: CallOf<typeof scimUsers.create>, passwordHash: string | undefined): Promise<ScimResponse> {
    return this.tokens.use(body.token, (provider) => this.users.create(provider, body, passwordHash));
  }

  @Prepares(scimUsers.replace)
  async prepareReplacement({ body, params }: CallOf<typeof scimUsers.replace>): Promise<Prepared | undefined> {
    return this.users.prepareReplacement(await this.tokens.providerOf(body.token), params.id!, body.body);
  }

  @Handles(scimUsers.replace, KNOWN_BY_TOKEN)
  async replace(
    { body, params }: CallOf<typeof scimUsers.replace>,
    prepared: Prepared | undefined,
  ): Promise<ScimResponse | PrepareAgain> {
    return this.tokens.use(body.token, (provider) => this.users.replace(provider, params.id!, body, prepared));
  }

  @Prepares(scimUsers.change)
  async prepareChange({ body, params }: CallOf<typeof scimUsers.change>): Promise<Prepared | undefined> {
    return this.users.prepareChange(await this.tokens.providerOf(body.token), params.id!, body.body);
  }

  @Handles(scimUsers.change, KNOWN_BY_TOKEN)
  async change(
    { body, params }: CallOf<typeof scimUsers.change>,
    prepared: Prepared | undefined,
  ): Promise<ScimResponse | PrepareAgain> {
    return this.tokens.use(body.token, (provider) => this.users.change(provider, params.id!, body, prepared));
  }

  @Prepares(scimUsers.remove)
  async prepareRemoval({ body, params }: CallOf<typeof scimUsers.remove>): Promise<Prepared | undefined> {
    return this.activation.prepareDeletion(await this.tokens.providerOf(body.token), params.id!);
  }

  @Handles(scimUsers.remove, KNOWN_BY_TOKEN)
  async remove(
    { body, params }: CallOf<typeof scimUsers.remove>,
    prepared: Prepared | undefined,
  ): Promise<ScimResponse | PrepareAgain> {
    return this.tokens.use(body.token, (provider) => this.users.remove(provider, params.id!, body, prepared));
  }
}
