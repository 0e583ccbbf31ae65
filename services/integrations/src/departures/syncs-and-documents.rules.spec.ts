import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/postgresql';
import { SYNC_KINDS, type ResolvedRules, type SyncKind, type Transition } from '#libs/contracts';
import { Directory, type Clock, type Ids } from '#libs/database';
import { preview } from '#libs/lifecycle';
import { behavesLikeARule, RuleBench, type Person, type ServiceUnderTest } from '#libs/lifecycle/testing';
import { Encryption } from '#libs/platform';
import { AccountSyncController } from '../account-sync/account-sync.controller.js';
import { AccountSync } from '../account-sync/account-sync.entity.js';
import { DocumentTemplateController } from '../document-template/document-template.controller.js';
import { DocumentTemplate, TemplateGrant } from '../document-template/document-template.entity.js';
import { DocumentController } from '../document/document.controller.js';
import { Document } from '../document/document.entity.js';
import { entities, migrations } from '../integrations.module.js';
import { InvoiceController } from '../invoice/invoice.controller.js';
import { Invoice } from '../invoice/invoice.entity.js';
import { SchedulerLinkController } from '../scheduler-link/scheduler-link.controller.js';
import { SchedulerLink } from '../scheduler-link/scheduler-link.entity.js';
import { SignatureController } from '../signature/signature.controller.js';
import { Signature } from '../signature/signature.entity.js';
import { StorageAccess, StorageConnection } from '../storage-connection/storage-connection.entity.js';
import { Storages } from '../storage-connection/storages.js';
import { integrationsRules } from './integrations.rules.js';

const integrations: ServiceUnderTest = { name: 'integrations', entities, rules: integrationsRules, migrations };

class AccountSyncs extends AccountSyncController {
  constructor(em: EntityManager, directory: Directory, ids: Ids, clock: Clock) {
    super(em, directory, ids, clock, new Encryption('a-secret-for-tests-that-is-long-enough', 'integrations', ids));
  }
}

type UsesStorages<T> = new (em: EntityManager, directory: Directory, ids: Ids, clock: Clock, storages: Storages) => T;
type Creates = { create: DocumentController['create'] };

/** Adapts a controller that needs Storages to the constructor the rule bench expects. */
const withStorages = (controller: UsesStorages<Creates>) =>
  class {
    private readonly resource: Creates;

    constructor(em: EntityManager, directory: Directory, ids: Ids, clock: Clock) {
      this.resource = new controller(em, directory, ids, clock, new Storages(em));
    }

    create(call: Parameters<Creates['create']>[0]): Promise<object> {
      return this.resource.create(call);
    }
  };

const common = (bench: RuleBench, { accountId, userId }: Person) => ({
  id: bench.ids.next(),
  accountId,
  ownerId: userId,
  createdAt: bench.clock.now(),
});

/** Creates a storage to which the person has access, and saves it because documents refer to it. */
async function aStorage(bench: RuleBench, { accountId, userId }: Person, provider = 'onedrive'): Promise<string> {
  const [storageId, createdAt] = [bench.ids.next(), bench.clock.now()];
  const em = bench.em();
  await em.insert(StorageConnection, { id: storageId, accountId, provider, createdAt });
  await em.insert(StorageAccess, { id: bench.ids.next(), accountId, storageId, userId });
  return storageId;
}

const aSync = (em: EntityManager, owner: Person, bench: RuleBench, kind: SyncKind) =>
  em.create(AccountSync, {
    ...common(bench, owner),
    kind,
    provider: 'google',
    status: 'active',
    sealedGrant: 'sealed',
    stoppedAt: null,
  });

for (const kind of SYNC_KINDS) {
  behavesLikeARule(integrations, 'integrations.account-syncs', {
    part: kind,
    selectionOnly: kind !== 'email',
    row: (em, owner, bench) => aSync(em, owner, bench, kind),
    write: (bench, owner) => bench.create(AccountSyncs, owner, { kind, provider: 'google', grant: 'of-the-mailbox' }),
  });
}

behavesLikeARule(integrations, 'integrations.scheduler-links', {
  row: (em, owner, bench) =>
    em.create(SchedulerLink, {
      ...common(bench, owner),
      slug: bench.ids.next(),
      title: 'Demo',
      status: 'active',
      expiredAt: null,
    }),
  write: (bench, owner) => bench.create(SchedulerLinkController, owner, { slug: bench.ids.next(), title: 'Demo' }),
});

const aTemplate = async (em: EntityManager, owner: Person, bench: RuleBench) => {
  const storageId = await aStorage(bench, owner);
  return em.create(DocumentTemplate, { ...common(bench, owner), title: 'Contract', storageId });
};

behavesLikeARule(integrations, 'integrations.documents', {
  row: async (em, owner, bench) => {
    const storageId = await aStorage(bench, owner);
    em.create(Document, { ...common(bench, owner), title: 'Offer', storageId, dealId: null });
  },
  write: async (bench, owner) => {
    const storageId = await aStorage(bench, owner);
    return bench.create(withStorages(DocumentController), owner, { title: 'Offer', storageId });
  },
});

behavesLikeARule(integrations, 'integrations.document-templates', {
  row: aTemplate,
  write: async (bench, owner) => {
    const storageId = await aStorage(bench, owner);
    return bench.create(withStorages(DocumentTemplateController), owner, { title: 'Contract', storageId });
  },
});

behavesLikeARule(integrations, 'integrations.signatures', {
  row: (em, owner, bench) =>
    em.create(Signature, {
      ...common(bench, owner),
      documentId: null,
      dealId: bench.ids.next(),
      dealVisibleTo: 'everyone',
      title: 'Contract',
      provider: 'docusign',
    }),
  write: (bench, owner) =>
    bench.create(withStorages(SignatureController), owner, { dealId: bench.ids.next(), title: 'Contract' }),
});

behavesLikeARule(integrations, 'integrations.invoices', {
  row: (em, owner, bench) =>
    em.create(Invoice, { ...common(bench, owner), number: 'INV-1', amount: 99.95, currency: 'EUR' }),
  write: async (bench, owner) => {
    await aStorage(bench, owner, 'quickbooks');
    return bench.create(withStorages(InvoiceController), owner, { number: 'INV-1', amount: 1, currency: 'EUR' });
  },
});

describe('the preview of a departure', () => {
  let bench: RuleBench;
  let leaver: Person;
  let heir: Person;
  beforeAll(async () => {
    bench = await RuleBench.open(integrations);
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    leaver = await bench.person();
    heir = await bench.person({ accountId: leaver.accountId });
  });

  const lines = (rules: ResolvedRules, steps: Transition[] = ['deactivated']) => {
    const request = { ...leaver, steps, activeSince: 1, wasManager: false, rules };
    return preview(bench.em().getKysely(), bench.rules, request, bench.clock.now());
  };
  const templates = () => lines({ 'integrations.document-templates': { deactivated: { action: 'keep' } } });

  /** Creates a template and optionally gives the heir permission and storage access. */
  async function given({ permitted, access }: { permitted: boolean; access: boolean }): Promise<void> {
    const em = bench.em();
    const { id, storageId } = await aTemplate(em, leaver, bench);
    await em.flush();
    const row = { accountId: leaver.accountId, userId: heir.userId };
    if (permitted) em.create(TemplateGrant, { ...row, id: bench.ids.next(), templateId: id });
    if (access) em.create(StorageAccess, { ...row, id: bench.ids.next(), storageId });
    await em.flush();
  }

  it('has a line for each kind of account sync', async () => {
    const em = bench.em();
    for (let n = 0; n < 2; n++) aSync(em, leaver, bench, 'drive');
    await em.flush();
    const rules: ResolvedRules = { 'integrations.account-syncs': { deactivated: { action: 'stop' } } };
    expect((await lines(rules)).map(({ part, count }) => [part, count])).toEqual([
      ['email', 0],
      ['contact', 0],
      ['calendar', 0],
      ['drive', 2],
    ]);
    const [receipt] = await bench.processor.apply([bench.leaving(leaver, 'deactivated', rules)]);
    expect(receipt!.rules.map(({ part, affected }) => [part, affected])).toContainEqual(['drive', 2]);
    expect(receipt!.rules).toHaveLength(4);
  });

  it('counts the templates that no other user may use', async () => {
    await given({ permitted: false, access: true });
    await given({ permitted: true, access: false });
    await given({ permitted: true, access: true });
    const [line] = await templates();
    expect(line).toMatchObject({ count: 3, warning: true });
    expect(line!.detail).toContain('No other user may use 2 of these 3 template(s)');
  });

  it('does not count users who have left among the other users', async () => {
    await given({ permitted: true, access: true });
    expect((await templates())[0]).not.toHaveProperty('detail');
    await bench.processor.apply([bench.leaving(heir, 'deactivated', {})]);
    expect((await templates())[0]!.detail).toContain('No other user may use 1 of these 1 template(s)');
  });

  it('shows no detail when there are no templates', async () => {
    expect(await templates()).toMatchObject([{ count: 0 }]);
    expect((await templates())[0]).not.toHaveProperty('detail');
  });
});
