import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles, PREPARE_AGAIN, Prepares, ServiceClient, type PrepareAgain } from '#libs/broker';
import {
  accountGet,
  campaigns,
  campaignUpdate,
  Problem,
  type Campaign as CampaignAnswer,
  type Call,
  type CallOf,
  type NewCampaign,
} from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { plainResource } from '#libs/platform';
import { InboxAccess } from '../inbox/inbox-access.js';
import { Recipients } from '../message/recipients.js';
import { Campaign, type CampaignRow } from './campaign.entity.js';

const base = plainResource(campaigns, {
  entity: Campaign,
  shown: ['name', 'text', 'at', 'status', 'segmentId', 'inboxId', 'createdAt'],
  people: ['ownerId'],
  owner: 'ownerId',
});

/** Statuses in which a campaign can still be changed. */
const OPEN = ['draft', 'scheduled', 'cancelled'] as const;

/** The name that accounts with the preset `texting` show for a deleted owner. */
const UNKNOWN = 'Unknown';

@Controller()
export class CampaignController extends base {
  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly recipients: Recipients,
    private readonly access: InboxAccess,
    private readonly services: ServiceClient,
  ) {
    super(em, directory, ids, clock);
  }

  /** Asks the contacts service for the segment's current definition, and identity for the owner's teams. */
  @Prepares(campaigns.create)
  async prepareNew({ body, principal }: CallOf<typeof campaigns.create>): Promise<PreparedCampaign> {
    const { segmentId, ownerId = principal.userId } = body;
    const { accountId } = principal;
    const [definition, teamIds] = await Promise.all([
      segmentId ? this.definitionOf(accountId, segmentId) : {},
      this.directory.currentTeamsOf(accountId, ownerId),
    ]);
    return { definition, teamIds };
  }

  /** The call fails if the segment does not exist, so there is a definition. */
  private async definitionOf(accountId: string, segmentId: string): Promise<Definition> {
    return (await this.recipients.page({ accountId, segmentId, limit: 1 })).definition!;
  }

  override async prepare(
    { body, principal }: Call,
    { definition, teamIds }: PreparedCampaign,
  ): Promise<Partial<CampaignRow>> {
    const { accountId, userId } = principal;
    const { name = null, text, at, status = 'scheduled', segmentId, ownerId = userId, inboxId } = body as NewCampaign;
    if (inboxId) {
      const inbox = await this.access.writable(principal, inboxId);
      await this.directory.requireActive(accountId, [ownerId, inbox.ownerId]);
    }
    return {
      ...{ name, text, status, ownerId, definition, teamIds },
      at: new Date(at),
      segmentId: segmentId ?? null,
      inboxId: inboxId ?? null,
    };
  }

  override async present(rows: readonly CampaignRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const shown = (await super.present(rows, call)) as CampaignAnswer[];
    return shown.some(isOwnerDeleted) ? nameOwners(shown, await this.isTexting(call)) : shown;
  }

  /** Asks identity for the account's preset. If it does not answer, deleted owners are named as in other accounts. */
  private async isTexting({ principal }: Pick<Call, 'principal'>): Promise<boolean> {
    return this.services.call(accountGet, { principal }).then(
      ({ preset }) => preset === 'texting',
      // The answer is not cached, so the next call asks again.
      () => false,
    );
  }

  /** Whether the account has the preset `texting`; undefined if it does not matter because the owner is not deleted. */
  @Prepares(campaignUpdate)
  async prepareUpdate(call: CallOf<typeof campaignUpdate>): Promise<boolean | undefined> {
    const [shown] = (await super.present([await this.find(call)], call)) as CampaignAnswer[];
    return isOwnerDeleted(shown!) ? this.isTexting(call) : undefined;
  }

  /** Every user of the account who may write in its inbox can change a campaign, even if its owner has left. */
  @Handles(campaignUpdate)
  async update(
    call: CallOf<typeof campaignUpdate>,
    texting: boolean | undefined,
  ): Promise<CampaignAnswer | PrepareAgain> {
    const campaign = await this.find(call);
    await this.requireMay('update', campaign, call);
    if (campaign.inboxId) await this.access.writable(call.principal, campaign.inboxId);
    const { at, ...changes } = call.body;
    const given = Object.entries({ ...changes, at: at && new Date(at) }).filter(([, value]) => value !== undefined);
    if (given.length > 0) {
      const open = { id: campaign.id, status: { $in: [...OPEN] } };
      const changed = await this.em.nativeUpdate(Campaign, open, Object.fromEntries(given));
      if (changed === 0) throw new Problem('conflict', { detail: 'The campaign is being sent or has been sent.' });
      await this.em.refresh(campaign);
    }
    const shown = (await super.present([campaign], call)) as CampaignAnswer[];
    if (texting === undefined && shown.some(isOwnerDeleted)) return PREPARE_AGAIN;
    return nameOwners(shown, texting === true)[0]!;
  }
}

type Definition = Record<string, unknown>;

interface PreparedCampaign {
  definition: Definition;
  teamIds: string[];
}

const isOwnerDeleted = ({ owner }: CampaignAnswer): boolean => owner.status === 'deleted';

function nameOwners(shown: CampaignAnswer[], texting: boolean): CampaignAnswer[] {
  if (texting) for (const { owner } of shown.filter(isOwnerDeleted)) owner.name = UNKNOWN;
  return shown;
}
