import { addressOf, DEMO_PASSWORD, openAccount, signIn } from './account.mjs';
import { refusal, until } from './helpers.mjs';
import { afterDeactivation, afterDeletion, afterReactivation } from './effects.mjs';
import { chapter, paragraph, print } from './terminal.mjs';
import { comparison, showOverview, showPeople, showPreview, showProgress, showReceipts } from './views.mjs';

/** Somebody leaves a company made for it, comes back and leaves for good. Tells it, and checks whatever it tells. */
export class Story {
  constructor(api, spec, checks) {
    this.api = api;
    this.spec = spec;
    this.checks = checks;
  }

  async tell() {
    await this.#meet();
    await this.#askTheGuards();
    const deactivation = await this.#leave(
      'deactivated',
      'The preview',
      'This is what a person reads before confirming.',
    );
    await this.#prove(deactivation);
    chapter('What one sees now', 'The same facts, read from the services as any client would.');
    await afterDeactivation(this);
    await this.#comeBack();
    await this.#leaveForGood();
  }

  get leaverPath() {
    return `/v1/users/${this.leaver.user.id}`;
  }

  nameOf = (userId) =>
    [this.owner, this.leaver, ...this.colleagues].find(({ user }) => user.id === userId)?.user.name ?? userId;

  async #meet() {
    chapter('A company', `${this.spec.name}, preset ${this.spec.preset}, is opened for this run.`);
    const begun = performance.now();
    Object.assign(this, await openAccount(this.api, this.spec));
    this.admin = this.owner.api;
    this.name = this.leaver.user.name;
    this.accountBefore = await this.admin.get('/v1/account');
    this.activityBefore = await this.admin.get('/v1/reports/message-activity');
    const users = (await this.admin.all('/v1/users')).reverse();
    showPeople(users, { [this.owner.user.id]: 'the first admin', [this.leaver.user.id]: 'is about to leave' });
    print();
    paragraph(
      `Made by ${((performance.now() - begun) / 1000).toFixed(1)} seconds of API calls. What belongs to ${this.name}:`,
    );
    print();
    showOverview(await this.admin.get(`${this.leaverPath}/overview`));
  }

  async #askTheGuards() {
    chapter('What is refused', 'A refused command changes nothing and says why.');
    const { checks, admin } = this;
    const sole = await refusal(admin.post(`/v1/users/${this.owner.user.id}/deactivate`));
    checks.same('The last owner can’t leave: sole-owner', sole, 'sole-owner');
    const early = await refusal(admin.post(`${this.leaverPath}/delete`));
    checks.same(
      'Nobody is deleted before being deactivated, in this preset: not-deactivated',
      early,
      'not-deactivated',
    );
    const agent = this.colleagues.at(-1).api;
    const agentsTry = await refusal(agent.post(`${this.leaverPath}/deactivate`));
    checks.same('An agent can’t make others leave: forbidden', agentsTry, 'forbidden');
  }

  /** Preview, confirmation, live progress, receipts. @returns `{ preview, departure }` */
  async #leave(transition, title, sentence, request = {}) {
    chapter(`${title}: ${this.name} is to be ${transition}`, sentence);
    const verb = transition === 'deleted' ? 'delete' : 'deactivate';
    const preview = await this.admin.get(`${this.leaverPath}/departure-preview?transition=${transition}`);
    showPreview(preview, { brief: transition === 'deleted' });
    chapter(
      'Confirmed',
      `POST ${verb} with the preview’s planToken: it would be refused if anything had changed since.`,
    );
    const { planToken } = preview;
    const begun = await this.admin.post(`${this.leaverPath}/${verb}`, { ...request, planToken });
    const departure = await showProgress(this.admin, begun);
    chapter('The receipts', 'What every rule has done, in every service.');
    showReceipts(departure, this.nameOf);
    this.checks.same('The departure is completed', departure.status, 'completed');
    return { preview, departure };
  }

  async #prove({ preview, departure }) {
    const { checks } = this;
    const { foretold, done } = comparison(preview, departure);
    const surprises = [...new Set([...Object.keys(foretold), ...Object.keys(done)])]
      .filter((key) => foretold[key] !== done[key])
      .map((key) => `${key}: foretold ${foretold[key] ?? 0}, done ${done[key] ?? 0}`);
    checks.same(`Preview = receipt: all ${Object.keys(done).length} counts are the same`, surprises, []);
    const rules = departure.services.flatMap((service) => service.rules);
    const left = rules.filter(({ remaining }) => remaining !== 0).map(({ rule, remaining }) => ({ rule, remaining }));
    checks.same(`Counted again by the ${departure.services.length} services: 0 remain of every rule`, left, []);
    const { id } = await this.admin.post('/v1/departures/verify');
    const verification = await until(
      'The verification',
      () => this.admin.get(`/v1/departures/verify/${id}`),
      ({ status }) => status === 'completed',
    );
    const { checked, broken } = verification;
    checks.same(
      `POST /v1/departures/verify looks at everybody who has left (${checked}) and finds nothing`,
      broken,
      [],
    );
  }

  async #comeBack() {
    chapter(`${this.name} comes back`, 'A reactivation gives back what only waited, and wakes nothing that was ended.');
    const begun = await this.admin.post(`${this.leaverPath}/reactivate`);
    const departure = await showProgress(this.admin, begun);
    print();
    this.checks.same('The reactivation is completed', departure.status, 'completed');
    await afterReactivation(this);
  }

  async #leaveForGood() {
    chapter(`${this.name} leaves for good`, 'Deactivated once more …');
    const again = await this.admin.post(`${this.leaverPath}/deactivate`, { reason: 'New job' });
    await showProgress(this.admin, again);
    const [successor] = this.colleagues;
    const deletion = await this.#leave(
      'deleted',
      '… and deleted',
      `${successor.user.name} is named to take over the contacts.`,
      {
        successors: { 'contacts.assignments': successor.user.id },
      },
    );
    await this.#prove(deletion);
    chapter('What is left of a person', 'The work stays, the name goes.');
    await afterDeletion(this, successor);
  }

  /** Signing in as the leaver. @returns the code of the refusal */
  signInAgain(password = DEMO_PASSWORD) {
    return refusal(signIn(this.api, { email: this.leaver.email, accountId: this.account.id, password }));
  }

  /** A new colleague with the leaver's address and staff id. */
  hireNamesake() {
    const name = 'Maya Okafor-Lind';
    const { staffId } = this.leaver.user;
    const email = addressOf(this.name, this.spec.domain);
    return this.admin.post('/v1/users', { name, staffId, email });
  }
}
