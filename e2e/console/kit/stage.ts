import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from '@jest/globals';
import { PASSWORD, type Member } from '../../support/cast.js';
import { signInFromBrowser } from '../../support/browser.js';
import { System } from '../../support/system.js';
import { startBrowser } from './browser.js';

const ROOT = join(import.meta.dirname, '../../..');
/** Ignored by git. */
const SCREENSHOTS = join(ROOT, '.cache/screens');
const DESK = { width: 1440, height: 1000 };
const PHONE = { width: 390, height: 844 };
/** Milliseconds that a page has to show what a test looks for. */
const PATIENCE = 15_000;

const { resolve } = createRequire(import.meta.url);

/** The real system and a browser, started once for all tests of the console. */
export class Stage {
  private readonly contexts: BrowserContext[] = [];

  private constructor(
    readonly system: System,
    private readonly browser: Browser,
    private readonly axe: string,
  ) {}

  static async set(): Promise<Stage> {
    // A process of its own: the build tool brings native code that must not be loaded once for each test file.
    const script = "const { buildConsole } = await import('./scripts/lib/console.mjs'); await buildConsole();";
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT });
    const [system, browser, axe] = await Promise.all([
      System.start(),
      startBrowser(),
      readFile(resolve('axe-core/axe.min.js'), 'utf8'),
    ]);
    return new Stage(system, browser, axe);
  }

  async strike(): Promise<void> {
    await this.browser.close();
    await this.system.stop();
  }

  /** Closes the pages of the test before. */
  async clear(): Promise<void> {
    await Promise.all(this.contexts.splice(0).map((context) => context.close()));
  }

  /** A page that nobody has signed in on, at this address of the console. */
  async open(path: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await this.newContext(options);
    return this.visit(context, path);
  }

  /** A page on which the member has signed in. */
  async openAs(member: Pick<Member, 'email'>, path: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const { cookie } = await signInFromBrowser(this.system.url, { email: member.email, password: PASSWORD });
    const context = await this.newContext(options);
    const [name, value] = cookie.split('=') as [string, string];
    await context.addCookies([{ name, value, url: this.system.url, httpOnly: true, sameSite: 'Strict' }]);
    return this.visit(context, path);
  }

  private async newContext(options: BrowserContextOptions): Promise<BrowserContext> {
    const fixed = { baseURL: this.system.url, viewport: DESK, locale: 'en-GB', timezoneId: 'America/Chicago' };
    const context = await this.browser.newContext({ ...fixed, reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(PATIENCE);
    this.contexts.push(context);
    return context;
  }

  private async visit(context: BrowserContext, path: string): Promise<Visit> {
    const page = await context.newPage();
    const visit = new Visit(page, this.axe);
    await page.goto(path);
    // A console that does not start fails at once, with the reason.
    await page.locator('#root > *').first().waitFor();
    expect(visit.faults).toEqual([]);
    return visit;
  }
}

/** A page, with what every test of a screen looks at. */
export class Visit {
  /** What the page has done wrong: uncaught errors, and violations of the content security policy. */
  readonly faults: string[] = [];

  constructor(
    readonly page: Page,
    private readonly axe: string,
  ) {
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('console', (message) => {
      // Refusals of the API are part of the tests.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        this.faults.push(message.text());
    });
  }

  /** Checks the page with axe, in light and dark, and takes a picture in each, and of a phone. */
  async look(name: string): Promise<void> {
    const { page } = this;
    const size = page.viewportSize() ?? DESK;
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await this.checkAccessibility(`${name}, ${scheme}`);
      await this.take(`${name}-${scheme}`);
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize(PHONE);
    await this.checkAccessibility(`${name}, phone`);
    await this.take(`${name}-phone`);
    expect({ name, scrollsSideways: await this.scrollsSideways() }).toEqual({ name, scrollsSideways: false });
    await page.setViewportSize(size);
    expect({ name, faults: this.faults }).toEqual({ name, faults: [] });
  }

  private async checkAccessibility(name: string): Promise<void> {
    // Not as a script element, which the content security policy forbids.
    await this.page.evaluate(this.axe);
    const findings = await this.page.evaluate<string[]>(`
      axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) =>
        violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`);
    expect({ name, findings }).toEqual({ name, findings: [] });
  }

  private async take(name: string): Promise<void> {
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: 'disabled' });
  }

  private scrollsSideways(): Promise<boolean> {
    return this.page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
  }
}
