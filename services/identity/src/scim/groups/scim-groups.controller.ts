import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { scimGroups, type CallOf, type ScimListResponse, type ScimResponse } from '#libs/contracts';
import { KNOWN_BY_TOKEN, refusalOf, type Provider } from '../provider.js';
import { ProviderRefusals } from '../provider-refusals.js';
import { listResponse } from '../responses.js';
import { ScimTokens } from '../scim-tokens.js';
import { ScimGroupRows, toScimGroup } from './scim-group-rows.js';
import { ScimGroups } from './scim-groups.js';

@Controller()
export class ScimGroupsController {
  constructor(
    private readonly tokens: ScimTokens,
    private readonly rows: ScimGroupRows,
    private readonly groups: ScimGroups,
    private readonly refusals: ProviderRefusals,
  ) {}

  @Handles(scimGroups.search, KNOWN_BY_TOKEN)
  async search({ body }: CallOf<typeof scimGroups.search>): Promise<ScimListResponse> {
    return this.tokens.use(body.token, async ({ accountId }) => {
      const { total, rows } = await this.rows.search(accountId, body);
      return listResponse(total, rows.map(toScimGroup), body.view);
    });
  }

  @Handles(scimGroups.get, KNOWN_BY_TOKEN)
  async get({ body, params }: CallOf<typeof scimGroups.get>): Promise<ScimResponse> {
    return this.tokens.use(body.token, (provider) => this.groups.get(provider, params.id!, body.view));
  }

  @Handles(scimGroups.create, KNOWN_BY_TOKEN)
  async create({ body }: CallOf<typeof scimGroups.create>): Promise<ScimResponse> {
    return this.write(body.token, (provider) => this.groups.create(provider, body));
  }

  @Handles(scimGroups.replace, KNOWN_BY_TOKEN)
  async replace({ body, params }: CallOf<typeof scimGroups.replace>): Promise<ScimResponse> {
    return this.write(body.token, (provider) => this.groups.replace(provider, params.id!, body));
  }

  @Handles(scimGroups.change, KNOWN_BY_TOKEN)
  async change({ body, params }: CallOf<typeof scimGroups.change>): Promise<ScimResponse> {
    return this.write(body.token, (provider) => this.groups.change(provider, params.id!, body));
  }

  @Handles(scimGroups.remove, KNOWN_BY_TOKEN)
  async remove({ body, params }: CallOf<typeof scimGroups.remove>): Promise<ScimResponse> {
    return this.write(body.token, (provider) => this.groups.remove(provider, params.id!, body));
  }

  private write(token: string, work: (provider: Provider) => Promise<ScimResponse>): Promise<ScimResponse> {
    return this.tokens.use(token, async (provider) => {
      const refusal = refusalOf(provider);
      return refusal === undefined ? work(provider) : this.refusals.refuse(provider, refusal);
    });
  }
}
