/** @import { AccountSync, CrmRecord, Document, SchedulerLink, StorageConnection } from '#libs/contracts' */
/** @import { HttpClient } from '../../cli/http-client.mjs' */
/** @import { People } from './account.mjs' */
import { randomBytes } from 'node:crypto';
import { mapConcurrently } from './helpers.mjs';

/**
 * Creates a meeting page, account syncs, documents, apps and webhooks.
 * @param {People} people
 * @param {{ deal: CrmRecord }} contactData
 */
export async function createIntegrations(people, { deal }) {
  const [schedulerLink, syncs] = await Promise.all([
    createSchedulerLink(people),
    createAccountSyncs(people),
    createDocuments(people, deal),
    installApps(people),
    createWebhooks(people),
  ]);
  return { schedulerLink, syncs };
}

/** @param {People} people */
async function installApps({ owner, leaver, colleagues: [colleague], spec }) {
  const { own, shared, others } = spec.apps;
  /** @type {(api: HttpClient, appId: string, shared: boolean) => Promise<unknown>} */
  const install = (api, appId, isShared) => api.post('/v1/apps', { appId, shared: isShared });
  await Promise.all([
    ...own.map((appId) => install(leaver.api, appId, false)),
    ...shared.map((appId, index) => install(index === 0 ? leaver.api : owner.api, appId, true)),
    install(colleague.api, others, false),
  ]);
}

/**
 * Deliveries fail: hooks.example.com does not exist.
 * @param {People} people
 */
async function createWebhooks({ leaver, colleagues: [colleague], spec }) {
  await Promise.all([
    ...spec.webhooks.map((event) =>
      leaver.api.post('/v1/webhooks', { url: `https://hooks.example.com/${event}`, events: [event] }),
    ),
    colleague.api.post('/v1/webhooks', { url: 'https://hooks.example.com/colleague', events: ['*'] }),
  ]);
}

/**
 * Slugs are unique across accounts, hence the random suffix.
 * @param {People} people
 * @returns {Promise<SchedulerLink>}
 */
function createSchedulerLink({ leaver, spec }) {
  const name = leaver.email.replace(/@.*/, '').replaceAll('.', '-');
  const slug = `${name}-${randomBytes(3).toString('hex')}`;
  return leaver.api.post('/v1/scheduler-links', { slug, title: spec.meeting });
}

/**
 * @param {People} people
 * @returns {Promise<AccountSync[]>}
 */
function createAccountSyncs({ leaver }) {
  const kinds = ['email', 'contact', 'calendar', 'drive'];
  return mapConcurrently(kinds, (kind) =>
    leaver.api.post('/v1/account-syncs', { kind, provider: 'google', grant: `example grant for ${kind}` }),
  );
}

/**
 * A storage shared with a colleague, who may use one of the templates; only the leaver has connected QuickBooks.
 * @param {People} people
 * @param {CrmRecord} deal
 */
async function createDocuments({ leaver, colleagues: [colleague], spec }, deal) {
  const { api } = leaver;
  /** @type {(provider: string, userIds?: string[]) => Promise<StorageConnection>} */
  const connect = (provider, userIds) => api.post('/v1/storage-connections', { provider, userIds });
  const [drive] = await Promise.all([
    connect('google-drive', [leaver.user.id, colleague.user.id]),
    connect('quickbooks'),
  ]);
  const storageId = drive.id;
  const { granted, own } = spec.documentTemplates;
  /** @type {Promise<Document[]>} */
  const created = mapConcurrently(spec.documents, (title) =>
    api.post('/v1/documents', { storageId, title, dealId: deal.id }),
  );
  const [documents] = await Promise.all([
    created,
    api.post('/v1/document-templates', { storageId, title: granted, grantedUserIds: [colleague.user.id] }),
    api.post('/v1/document-templates', { storageId, title: own }),
    ...spec.invoices.map((invoice) => api.post('/v1/invoices', invoice)),
  ]);
  for (const { id: documentId, title } of documents.slice(0, 1))
    await Promise.all([
      api.post('/v1/signatures', { documentId, dealId: deal.id, title }),
      api.post('/v1/signatures', { dealId: deal.id, title: `${title}, annex`, provider: 'docusign' }),
    ]);
}
