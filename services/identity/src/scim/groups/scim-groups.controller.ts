import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { scimGroups, type CallOf, type ScimListResponse, type ScimResponse } from '#libs/contracts';
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
  ) {}

  @Handles(scimGroups.search)
  async search({ body }: CallOf<typeof scimGroups.search>): Promise<ScimListResponse> {
    const { accountId } = await this.tokens.authenticate(body.token);
    const { total, rows } = await this.rows.search(accountId, body);
    return listResponse(total, rows.map(toScimGroup), body.view);
  }

  @Handles(scimGroups.get)
  async get({ body, params }: CallOf<typeof scimGroups.get>): Promise<ScimResponse> {
    return this.groups.get(await this.tokens.authenticate(body.token), params.id!, body.view);
  }

  @Handles(scimGroups.create)
  async create({ body }: CallOf<typeof scimGroups.create>): Promise<ScimResponse> {
    return this.groups.create(await this.tokens.authenticate(body.token), body);
  }

  @Handles(scimGroups.replace)
  async replace({ body, params }: CallOf<typeof scimGroups.replace>): Promise<ScimResponse> {
    return this.groups.replace(await this.tokens.authenticate(body.token), params.id!, body);
  }

  @Handles(scimGroups.change)
  async change({ body, params }: CallOf<typeof scimGroups.change>): Promise<ScimResponse> {
    return this.groups.change(await this.tokens.authenticate(body.token), params.id!, body);
  }

  @Handles(scimGroups.remove)
  async remove({ body, params }: CallOf<typeof scimGroups.remove>): Promise<ScimResponse> {
    return this.groups.remove(await this.tokens.authenticate(body.token), params.id!, body);
  }
}
