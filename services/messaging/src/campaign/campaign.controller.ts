import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles, PREPARE_AGAIN, Prepares, ServiceClient, type PrepareAgain } from '#libs/broker';
import {
  accountGet,
  campaigns,
  campaignUpdate,
  isManager,
  Problem,
  type Campaign as CampaignAnswer,
  type Call,
  type CallOf,
  type CampaignChanges,
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

  /** Asks identity for what the answer and a new owner need. */
  @Prepares(campaignUpdate)
  async prepareUpdate(call: CallOf<typeof campaignUpdate>): Promise<PreparedUpdate> {
    const { ownerId } = call.body;
    const [shown] = (await super.present([await this.find(call)], call)) as CampaignAnswer[];
    const [texting, teamIds] = await Promise.all([
      isOwnerDeleted(shown!) && !ownerId ? this.isTexting(call) : undefined,
      ownerId && this.directory.currentTeamsOf(call.principal.accountId, ownerId),
    ]);
    return { texting, ...(teamIds && { teamIds }) };
  }

  /** Every user of the account who may write in its inbox can change a campaign, even if its owner has left. */
  @Handles(campaignUpdate)
  async update(
    call: CallOf<typeof campaignUpdate>,
    { texting, teamIds }: PreparedUpdate,
  ): Promise<CampaignAnswer | PrepareAgain> {
    const campaign = await this.find(call);
    await this.requireMay('update', campaign, call);
    await this.requireMayMove(campaign, call);
    const { at, ...changes } = call.body;
    const values = { ...changes, ...(changes.ownerId && { teamIds }), at: at && new Date(at) };
    const given = Object.entries(values).filter(([, value]) => value !== undefined);
    if (given.length > 0) {
      const open = { id: campaign.id, ownerId: campaign.ownerId, status: { $in: [...OPEN] } };
      const changed = await this.em.nativeUpdate(Campaign, open, Object.fromEntries(given));
      if (changed === 0) return this.refuse(campaign);
      await this.em.refresh(campaign);
    }
    const shown = (await super.present([campaign], call)) as CampaignAnswer[];
    if (texting === undefined && shown.some(isOwnerDeleted)) return PREPARE_AGAIN;
    return nameOwners(shown, texting === true)[0]!;
  }

  /**
   * Checks the present and the new inbox, and the new owner, who are locked in one call.
   * @throws Problem `forbidden`, `unknown-reference`, `unknown-user`, `inactive-user`
   */
  private async requireMayMove(campaign: CampaignRow, { principal, body }: Call<CampaignChanges>): Promise<void> {
    const { ownerId, inboxId } = body;
    if (campaign.inboxId) await this.access.writable(principal, campaign.inboxId);
    if (ownerId && ownerId !== campaign.ownerId && campaign.ownerId !== principal.userId && !isManager(principal))
      throw new Problem('forbidden', { detail: 'Only its owner and managers may give it to another user.' });
    const inbox = inboxId ? await this.access.writable(principal, inboxId) : undefined;
    await this.directory.requireActive(campaign.accountId, [ownerId, inbox?.ownerId]);
  }

  /** Its owner may have changed: then the rights of the caller are checked again. */
  private async refuse({ id, ownerId }: CampaignRow): Promise<PrepareAgain> {
    if ((await this.em.count(Campaign, { id, ownerId })) === 0) return PREPARE_AGAIN;
    throw new Problem('conflict', { detail: 'The campaign is being sent or has been sent.' });
  }
}

type Definition = Record<string, unknown>;

interface PreparedCampaign {
  definition: Definition;
  teamIds: string[];
}

interface PreparedUpdate {
  /** Whether the account has the preset `texting`; undefined if it does not matter because the owner is not deleted. */
  texting?: boolean;
  /** The teams of the new owner. */
  teamIds?: string[];
}

const isOwnerDeleted = ({ owner }: CampaignAnswer): boolean => owner.status === 'deleted';

function nameOwners(shown: CampaignAnswer[], texting: boolean): CampaignAnswer[] {
  if (texting) for (const { owner } of shown.filter(isOwnerDeleted)) owner.name = UNKNOWN;
  return shown;
}
