import { Handles } from '#libs/broker';
import {
  importSourceRun,
  importSources,
  Problem,
  type Call,
  type ImportSource as ImportSourceView,
  type ImportSourceChanges,
  type NewImportSource,
} from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { isPrivateHost, plainResource, Encryption } from '#libs/platform';
import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { DEFAULT_USER_ID_FIELD } from '../contact-import/heading.js';
import { ContactsConfig } from '../contacts.config.js';
import { ImportSource, type ImportSourceRow } from './import-source.entity.js';

const base = plainResource(importSources, {
  entity: ImportSource,
  shown: [
    'kind',
    'host',
    'port',
    'path',
    'username',
    'hostKey',
    'offeredHostKey',
    'userIdField',
    'everyMinutes',
    'active',
    'lastRunAt',
    'lastResult',
    'lastError',
    'createdAt',
  ],
  people: ['ownerId'],
  mine: 'ownerId',
});

/** Per account, because each source keeps a connection busy for a while. */
const MAX_SOURCES = 50;

@Controller()
export class ImportSourceController extends base {
  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly encryption: Encryption,
    private readonly config: ContactsConfig,
  ) {
    super(em, directory, ids, clock);
  }

  override async prepare(call: Call): Promise<Partial<ImportSourceRow>> {
    const { accountId } = call.principal;
    const body = call.body as NewImportSource;
    this.check(body);
    if ((await this.em.count(ImportSource, { accountId })) >= MAX_SOURCES)
      throw new Problem('conflict', { detail: `An account can have at most ${MAX_SOURCES} import sources.` });
    return {
      port: body.kind === 'sftp' ? 22 : 21,
      path: '.',
      everyMinutes: 60,
      active: true,
      ...body,
      userIdField: body.userIdField === undefined ? DEFAULT_USER_ID_FIELD : body.userIdField,
      password: this.encryption.encrypt(body.password, accountId),
      dueAt: this.clock.now(),
    };
  }

  /** A source that was disabled because its owner left becomes active again only with another owner. */
  override async prepareChange(source: ImportSourceRow, call: Call<ImportSourceChanges>): Promise<void> {
    const { accountId, ownerId } = source;
    await super.prepareChange(source, call);
    if (call.body.active && !call.body.ownerId) await this.directory.requireActive(accountId, [ownerId]);
  }

  /** After a change the source is polled immediately, and earlier failures no longer count. */
  override async change(source: ImportSourceRow, call: Call<ImportSourceChanges>): Promise<void> {
    const { password, ...changes } = call.body;
    const { kind = source.kind, host = source.host, port = source.port, hostKey } = changes;
    const elsewhere = kind !== source.kind || host !== source.host || port !== source.port;
    this.check({ kind, host, hostKey });
    if (elsewhere && password === undefined) throw invalid('password', 'is required again for another server');
    if (changes.active && password === undefined && source.password === null)
      throw invalid('password', 'is required again, because another person took the owner over');
    this.em.assign(source, {
      ...changes,
      ...(password !== undefined && {
        password: this.encryption.encrypt(password, source.accountId),
        grantedAt: this.clock.now(),
      }),
      ...(elsewhere && { hostKey: hostKey ?? null }),
      ...((elsewhere || hostKey !== undefined) && { offeredHostKey: null }),
      // A run in progress uses the old settings, so it loses its claim and cannot save its result.
      runId: null,
      leaseUntil: null,
      failures: 0,
      dueAt: this.clock.now(),
    });
  }

  @Handles(importSourceRun)
  async run(call: Call): Promise<ImportSourceView> {
    const source = await this.lock(call);
    if (!source.active) throw new Problem('conflict', { detail: 'The import source is not active.' });
    source.dueAt = this.clock.now();
    await this.em.flush();
    return this.show(source, call);
  }

  /** @throws Problem `not-found` */
  private async lock(call: Pick<Call, 'principal' | 'params'>): Promise<ImportSourceRow> {
    const { id } = await this.find(call);
    const lock = { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true };
    const source = await this.em.findOne(ImportSource, { id }, lock);
    if (!source) throw new Problem('not-found');
    return source;
  }

  private async show(source: ImportSourceRow, call: Pick<Call, 'principal'>): Promise<ImportSourceView> {
    return (await this.present([source], call))[0] as ImportSourceView;
  }

  private check({ kind, host, hostKey }: Pick<NewImportSource, 'kind' | 'host' | 'hostKey'>): void {
    if (hostKey && kind !== 'sftp') throw invalid('hostKey', 'is for sftp only');
    if (!this.config.importSourcesAllowPrivate && isPrivateHost(host))
      throw invalid('host', 'must not be a loopback, link-local or private address');
  }
}

const invalid = (field: string, message: string) =>
  new Problem('validation', { errors: [{ field, message: `${field} ${message}` }] });
