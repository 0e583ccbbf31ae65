/** Drawn on a grid of 16. The screens show them with `<Icon name="…" />`. */
export const ICONS = {
  people: [
    ['circle', { cx: '6', cy: '5.5', r: '2.5' }],
    ['path', { d: 'M1.5 13.5c.3-2.6 2-4 4.5-4s4.2 1.4 4.5 4M11 3.2a2.5 2.5 0 0 1 0 4.6M12.3 9.8c1.3.6 2 1.8 2.2 3.7' }],
  ],
  leave: [['path', { d: 'M6.5 2h-3a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h3M6.5 8h7.5M11 5l3 3-3 3' }]],
  bulk: [['path', { d: 'M2 3.5l1 1 1.7-2M2 8l1 1 1.7-2M2 12.5l1 1 1.7-2M7.5 3.5H14M7.5 8H14M7.5 12.5H14' }]],
  policy: [
    ['path', { d: 'M2 4.5h7M12.5 4.5H14M2 11.5h1.5M7 11.5h7' }],
    ['circle', { cx: '10.7', cy: '4.5', r: '1.7' }],
    ['circle', { cx: '5.2', cy: '11.5', r: '1.7' }],
  ],
  trail: [
    ['circle', { cx: '3.5', cy: '3.5', r: '1.5' }],
    ['circle', { cx: '3.5', cy: '12.5', r: '1.5' }],
    ['path', { d: 'M3.5 5v6M7.5 3.5H14M7.5 8H14M7.5 12.5H14' }],
  ],
  setup: [
    ['circle', { cx: '8', cy: '8', r: '2.2' }],
    [
      'path',
      { d: 'M8 1.5v2M8 12.5v2M1.5 8h2M12.5 8h2M3.4 3.4l1.4 1.4M11.2 11.2l1.4 1.4M12.6 3.4l-1.4 1.4M4.8 11.2l-1.4 1.4' },
    ],
  ],
  search: [
    ['circle', { cx: '7', cy: '7', r: '4.5' }],
    ['path', { d: 'M10.5 10.5L14 14' }],
  ],
  check: [['path', { d: 'M3 8.5l3.2 3.2L13 5' }]],
  done: [
    ['circle', { cx: '8', cy: '8', r: '6.2' }],
    ['path', { d: 'M5.3 8.2l1.9 1.9 3.5-3.9' }],
  ],
  alert: [['path', { d: 'M8 2L1.7 13.3h12.6L8 2zM8 6.5v3.2M8 11.6v.1' }]],
  block: [
    ['circle', { cx: '8', cy: '8', r: '6.2' }],
    ['path', { d: 'M3.7 3.7l8.6 8.6' }],
  ],
  info: [
    ['circle', { cx: '8', cy: '8', r: '6.2' }],
    ['path', { d: 'M8 7.3v3.7M8 5v.1' }],
  ],
  close: [['path', { d: 'M4 4l8 8M12 4l-8 8' }]],
  down: [['path', { d: 'M4 6l4 4 4-4' }]],
  right: [['path', { d: 'M6 4l4 4-4 4' }]],
  updown: [['path', { d: 'M5 6l3-3 3 3M5 10l3 3 3-3' }]],
  hands: [['path', { d: 'M2 8h12M10 4l4 4-4 4' }]],
  stays: [['rect', { x: '3', y: '3', width: '10', height: '10', rx: '1.5' }]],
  ends: [['rect', { x: '3.5', y: '3.5', width: '9', height: '9', rx: '1', fill: 'currentColor' }]],
  destroyed: [['path', { d: 'M3.5 3.5l9 9M12.5 3.5l-9 9', strokeWidth: '2' }]],
  clock: [
    ['circle', { cx: '8', cy: '8', r: '6.2' }],
    ['path', { d: 'M8 4.5V8l2.5 1.5' }],
  ],
  undo: [['path', { d: 'M5.5 3L2.5 6l3 3M2.5 6h7a4 4 0 0 1 0 8H6' }]],
  redo: [['path', { d: 'M13.5 8A5.5 5.5 0 1 1 11.7 4M13.5 2v3h-3' }]],
  lock: [
    ['rect', { x: '3', y: '7', width: '10', height: '7', rx: '1.5' }],
    ['path', { d: 'M5.2 7V5a2.8 2.8 0 0 1 5.6 0v2' }],
  ],
  identity: [
    ['circle', { cx: '5', cy: '8', r: '3' }],
    ['path', { d: 'M8 8h6.5M12 8v2.5M14.5 8v2' }],
  ],
  contacts: [
    ['rect', { x: '2.5', y: '2', width: '11', height: '12', rx: '1.5' }],
    ['circle', { cx: '8', cy: '6.5', r: '1.8' }],
    ['path', { d: 'M5 11.5c.3-1.6 1.4-2.4 3-2.4s2.7.8 3 2.4' }],
  ],
  messaging: [['path', { d: 'M2 3.5h12v8H7l-3 2.5v-2.5H2z' }]],
  telephony: [
    [
      'path',
      {
        d: 'M3 2.5h2.5l1.2 3-1.6 1.2a8 8 0 0 0 4.2 4.2l1.2-1.6 3 1.2V13a1 1 0 0 1-1 1A10.5 10.5 0 0 1 2 3.5a1 1 0 0 1 1-1z',
      },
    ],
  ],
  automations: [['path', { d: 'M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z' }]],
  integrations: [['path', { d: 'M6 2v3.5M10 2v3.5M4 5.5h8v2.7a4 4 0 0 1-8 0zM8 12.2V14.5' }]],
  insights: [['path', { d: 'M2.5 13.5h11M4.5 11V8M8 11V3.5M11.5 11V6' }]],
  shield: [
    ['path', { d: 'M8 1.8l5.5 2v4c0 3.2-2.2 5.3-5.5 6.4-3.3-1.1-5.5-3.2-5.5-6.4v-4z' }],
    ['path', { d: 'M5.6 7.8l1.7 1.7 3-3.2' }],
  ],
  download: [['path', { d: 'M8 2v8M4.7 6.9L8 10.2l3.3-3.3M2.5 13.5h11' }]],
  print: [
    ['path', { d: 'M4.5 6V2h7v4M4.5 11.5h-2V6h11v5.5h-2' }],
    ['rect', { x: '4.5', y: '9.5', width: '7', height: '4.5' }],
  ],
  menu: [['path', { d: 'M2 4h12M2 8h12M2 12h12' }]],
  dots: [['path', { d: 'M3.5 8h.1M8 8h.1M12.5 8h.1', strokeWidth: '2' }]],
  plus: [['path', { d: 'M8 3v10M3 8h10' }]],
  copy: [
    ['rect', { x: '5.5', y: '5.5', width: '8', height: '8', rx: '1.5' }],
    ['path', { d: 'M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2' }],
  ],
  differs: [['path', { d: 'M3 6h10M3 10h10M11 2.5l-6 11' }]],
  link: [
    ['path', { d: 'M6.5 9.5l3-3M7 4.5l1.2-1.2a3 3 0 0 1 4.3 4.3L11.2 8.9M9 11.5l-1.2 1.2a3 3 0 0 1-4.3-4.3l1.3-1.3' }],
  ],
  device: [
    ['rect', { x: '2.5', y: '3', width: '11', height: '7.5', rx: '1' }],
    ['path', { d: 'M1.5 13h13' }],
  ],
  off: [
    [
      'path',
      {
        d: 'M2 2l12 12M6 11.2a3 3 0 0 1 4 0M3.8 8.6A6 6 0 0 1 6.7 7M12.2 8.6a6 6 0 0 0-1.7-1.2M1.8 6a9.5 9.5 0 0 1 2.7-1.7M14.2 6A9.6 9.6 0 0 0 7.5 3.5',
      },
    ],
  ],
  calendar: [
    ['rect', { x: '2.5', y: '3.5', width: '11', height: '10', rx: '1.5' }],
    ['path', { d: 'M2.5 6.8h11M5.5 2v2.5M10.5 2v2.5' }],
  ],
  theme: [
    ['circle', { cx: '8', cy: '8', r: '6.2' }],
    ['path', { d: 'M8 1.8a6.2 6.2 0 0 1 0 12.4z', fill: 'currentColor' }],
  ],
  hold: [['path', { d: 'M8 2v11.5M4.5 13.5h7M3 4.5l10-1M3 4.5L1.5 9h3zM13 3.5L11.5 8h3z' }]],
  upload: [['path', { d: 'M8 10.5v-8M4.7 5.5L8 2.2l3.3 3.3M2.5 13.5h11' }]],
  passkey: [
    ['circle', { cx: '6', cy: '5', r: '2.5' }],
    ['path', { d: 'M1.5 13.5c.3-2.8 2-4.2 4.5-4.2.8 0 1.5.1 2.1.4' }],
    ['circle', { cx: '12', cy: '8.5', r: '1.8' }],
    ['path', { d: 'M12 10.3v4l1.3-1.2' }],
  ],
  brand: [
    ['path', { d: 'M10 2H4a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h6' }],
    ['path', { d: 'M7.5 8h6.5M11.5 5.5L14 8l-2.5 2.5' }],
  ],
} as const;

export type IconName = keyof typeof ICONS;
