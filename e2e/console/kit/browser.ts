import chromium from '@sparticuz/chromium';
import { existsSync } from 'node:fs';
import { chromium as playwright, type Browser } from 'playwright-core';

/** Where Chrome is usually installed. */
const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** Those of the package, made for short programs, end the browser with its last page. */
const ARGS = chromium.args.filter((arg) => arg !== '--single-process');

/** Starts the Chromium that CHROMIUM_PATH names, the one among the packages, or an installed one. */
export async function startBrowser(): Promise<Browser> {
  const given = process.env.CHROMIUM_PATH;
  if (given) return playwright.launch({ executablePath: given, args: ['--no-sandbox'] });
  if (process.platform === 'linux' && process.arch === 'x64')
    return playwright.launch({ executablePath: await chromium.executablePath(), args: ARGS });
  const installed = INSTALLED.find((path) => existsSync(path));
  if (!installed) throw new Error('The tests of the console need Chrome: install it, or name it in CHROMIUM_PATH.');
  return playwright.launch({ executablePath: installed });
}
