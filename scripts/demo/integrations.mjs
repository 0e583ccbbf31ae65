import { randomBytes } from 'node:crypto';
import { mapConcurrently } from './helpers.mjs';

/** Whatever connects the account with the rest of the world. */
export async function integrate(people, { records }) {
  const [{ schedulerLink }, syncs, documents] = await Promise.all([
    meet(people),
    synchronize(people),
    shareDocuments(people, records),
    installApps(people),
    callHooks(people),
  ]);
  return { schedulerLink, syncs, ...documents };
}

async function installApps({ owner, leaver, colleagues, spec }) {
  const { own, shared, others } = spec.apps;
  const install = (api, appId, isShared) => api.post('/v1/apps', { appId, shared: isShared });
  await Promise.all([
    ...own.map((appId) => install(leaver.api, appId, false)),
    ...shared.map((appId, index) => install(index === 0 ? leaver.api : owner.api, appId, true)),
    install(colleagues[0].api, others, false),
  ]);
}

/** No hook is ever called by itself: `hooks.example.com` answers nobody. */
async function callHooks({ leaver, colleagues, spec }) {
  await Promise.all([
    ...spec.webhooks.map((event) =>
      leaver.api.post('/v1/webhooks', { url: `https://hooks.example.com/${event}`, events: [event] }),
    ),
    colleagues[0].api.post('/v1/webhooks', { url: 'https://hooks.example.com/colleague', events: ['*'] }),
  ]);
}

/** The address of the page is taken once for all accounts, hence its ending. */
async function meet({ leaver, spec }) {
  const slug = `${leaver.email.split('@')[0].replaceAll('.', '-')}-${randomBytes(3).toString('hex')}`;
  return { schedulerLink: await leaver.api.post('/v1/scheduler-links', { slug, title: spec.meeting }) };
}

function synchronize({ leaver }) {
  const kinds = ['email', 'contact', 'calendar', 'drive'];
  return mapConcurrently(kinds, (kind) =>
    leaver.api.post('/v1/account-syncs', { kind, provider: 'google', grant: `example grant for ${kind}` }),
  );
}

/** A storage shared with a colleague, who may use one of the templates; QuickBooks is connected by the leaver alone. */
async function shareDocuments({ leaver, colleagues: [colleague], spec }, { deal: [deal] }) {
  const { api } = leaver;
  const [drive] = await Promise.all([
    api.post('/v1/storage-connections', { provider: 'google-drive', userIds: [leaver.user.id, colleague.user.id] }),
    api.post('/v1/storage-connections', { provider: 'quickbooks' }),
  ]);
  const hosted = { storageId: drive.id };
  const { granted, own } = spec.documentTemplates;
  const [documents] = await Promise.all([
    mapConcurrently(spec.documents, (title) => api.post('/v1/documents', { ...hosted, title, dealId: deal.id })),
    api.post('/v1/document-templates', { ...hosted, title: granted, grantedUserIds: [colleague.user.id] }),
    api.post('/v1/document-templates', { ...hosted, title: own }),
    ...spec.invoices.map((invoice) => api.post('/v1/invoices', invoice)),
  ]);
  const [{ id: documentId, title }] = documents;
  await Promise.all([
    api.post('/v1/signatures', { documentId, dealId: deal.id, title }),
    api.post('/v1/signatures', { dealId: deal.id, title: `${title}, annex`, provider: 'docusign' }),
  ]);
  return { documents };
}
