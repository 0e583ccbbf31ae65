/** @import { NewInvoice, Preset, RecordType, Role } from '#libs/contracts' */

/**
 * A user of a demo account. An import of contacts assigns by staff id; `teams` are indexes of the account's teams.
 * @typedef {{ name: string, staffId: string, roles?: Role[], teams: number[] }} PersonSpec
 */

/** @typedef {{ shared: string[], private: string[] }} ByVisibility */

/**
 * The content of a demo account. The first of the people has the most of everything: a demo shows how they leave.
 * @typedef {object} AccountSpec
 * @property {Preset} preset
 * @property {string} name
 * @property {string} domain
 * @property {string} areaCode
 * @property {{ name: string, staffId: string }} owner
 * @property {[leaver: PersonSpec, PersonSpec, PersonSpec, ...PersonSpec[]]} people
 * @property {{ name: string, staffId: string }} invited
 * @property {string[]} teams
 * @property {string[]} inboxes
 * @property {string[]} segments
 * @property {string[]} automations
 * @property {string} selected
 * @property {{ own: string[], shared: string[], others: string }} apps
 * @property {string[]} webhooks
 * @property {ByVisibility & { others: string }} dashboards
 * @property {string[]} visitors
 * @property {string[]} notes
 * @property {Record<RecordType, string[]>} records
 * @property {{ public: string[], private: string[] }} filters
 * @property {string} comment
 * @property {string} file
 * @property {string[]} campaigns
 * @property {string[]} texts
 * @property {string} reply
 * @property {string[]} later
 * @property {string} chatbot
 * @property {string} webform
 * @property {ByVisibility} templates
 * @property {ByVisibility} emails
 * @property {string} csat
 * @property {string} meeting
 * @property {string[]} documents
 * @property {{ granted: string, own: string }} documentTemplates
 * @property {NewInvoice[]} invoices
 * @property {{ shared: string[], others: string }} reports
 * @property {string} goal
 * @property {string} rota
 */

/** @type {[AccountSpec, ...AccountSpec[]]} */
export const demoAccounts = [
  {
    preset: 'crm',
    name: 'Harbor & Pine Outfitters',
    domain: 'harborpine.example.com',
    areaCode: '415',
    owner: { name: 'Ingrid Solberg', staffId: 'HP-001' },
    people: [
      { name: 'Maya Okafor', staffId: 'HP-002', roles: ['admin'], teams: [0, 1] },
      { name: 'Tomás Rivera', staffId: 'HP-003', roles: ['admin'], teams: [1] },
      { name: 'Lena Fischer', staffId: 'HP-104', teams: [0] },
      { name: 'Kenji Watanabe', staffId: 'HP-105', teams: [0] },
      { name: 'Aisha Rahman', staffId: 'HP-106', teams: [1] },
      { name: 'Paul Novak', staffId: 'HP-107', teams: [0, 1] },
    ],
    invited: { name: 'Chloé Martin', staffId: 'HP-108' },
    teams: ['Wholesale', 'Key accounts'],
    inboxes: ['Wholesale orders', 'Returns'],
    segments: ['Ordered this spring', 'Quiet for 90 days', 'Trade fair leads'],
    automations: ['Follow up after a quote', 'Welcome a new retailer', 'Remind of an open offer'],
    selected: 'Hand over leads at the weekend',
    apps: { own: ['calendar-sync', 'quote-builder'], shared: ['team-chat', 'mailing-list'], others: 'e-signature' },
    webhooks: ['deal.won', 'contact.created'],
    dashboards: { shared: ['Pipeline', 'Revenue by region'], private: ['My commission'], others: 'Retailer map' },
    visitors: ['Camper in Bergen', 'Bike shop owner', 'Visitor 4471'],
    notes: [
      'Prefers to be called after four.',
      'Wants the green tents in the spring order.',
      'Asked for net 60 again.',
    ],
    records: {
      lead: ['Outdoor fair, stand 14', 'Ferry terminal shop'],
      deal: ['Spring order, 120 tents', 'Framework contract for three stores'],
      product: ['Trail tent, green'],
      activity: ['Showroom visit in Oakland', 'Price call on Thursday'],
      project: ['Fit out the Bergen store'],
      task: ['Send the fabric samples', 'Check the credit limit'],
    },
    filters: { public: ['Retailers on the coast', 'Net 30 customers'], private: ['To call before Friday'] },
    comment: 'They want delivery in two parts.',
    file: 'price-list-spring.pdf',
    campaigns: ['Spring catalogue is out', 'Early-bird discount'],
    texts: ['The samples left today.', 'Your quote is on its way.', 'Can we talk about the spring order?'],
    reply: 'Great, thank you! Thursday works.',
    later: ['Your order ships tomorrow.', 'How did the first week in the shop go?'],
    chatbot: 'Size adviser',
    webform: 'Become a retailer',
    templates: { shared: ['Quote cover letter', 'Thanks for the order'], private: ['Apology with a discount'] },
    emails: { shared: ['Terms we agreed on'], private: ['Margin on the tents', 'Their buyer is leaving'] },
    csat: 'Knew our shop by heart.',
    meeting: 'Talk about your assortment',
    documents: ['Framework contract'],
    documentTemplates: { granted: 'Retail agreement', own: 'Discount letter' },
    invoices: [{ number: 'QB-2041', amount: 4180.5, currency: 'USD' }],
    reports: { shared: ['Quarterly pipeline'], others: 'Sales by person' },
    goal: 'Forty new retailers',
    rota: 'New retailers, in turn',
  },
  {
    preset: 'helpdesk',
    name: 'Quillon Software Support',
    domain: 'quillon.example.com',
    areaCode: '312',
    owner: { name: 'Marguerite Dubois', staffId: 'Q-1' },
    people: [
      { name: 'Samuel Adeyemi', staffId: 'Q-2', roles: ['admin'], teams: [0, 1] },
      { name: 'Nora Lindqvist', staffId: 'Q-3', roles: ['admin'], teams: [1] },
      { name: 'Diego Morales', staffId: 'Q-11', teams: [0] },
      { name: 'Hana Kim', staffId: 'Q-12', teams: [0] },
      { name: 'Olivier Lambert', staffId: 'Q-13', teams: [1] },
      { name: 'Priya Nair', staffId: 'Q-14', teams: [1] },
    ],
    invited: { name: 'Elif Yıldız', staffId: 'Q-15' },
    teams: ['First line', 'Escalations'],
    inboxes: ['Billing questions', 'Bug reports'],
    segments: ['On the old plan', 'Reported a bug this month'],
    automations: ['Close after 7 quiet days', 'Ask how it went'],
    selected: 'Night shift hand-over',
    apps: { own: ['issue-tracker'], shared: ['status-page', 'team-chat'], others: 'screen-recorder' },
    webhooks: ['chat.closed'],
    dashboards: { shared: ['First response time'], private: ['My week', 'Coaching notes'], others: 'Satisfaction' },
    visitors: ['Signed-in customer 2210', 'Trial user', 'Visitor from the pricing page', 'Visitor 9034'],
    notes: ['Reproduced on version 8.2.', 'Refund agreed, please do not offer again.'],
    records: {
      lead: ['Agency with 40 seats'],
      deal: ['Upgrade to the team plan'],
      product: ['Single sign-on add-on'],
      activity: ['Call about the outage in March'],
      project: ['Move a customer off version 7', 'Write the import guide'],
      task: ['Ask for the log files', 'Confirm the refund'],
    },
    filters: { public: ['Waiting for an answer'], private: ['My difficult ones', 'To learn from'] },
    comment: 'Same stack trace as last week.',
    file: 'console-log.txt',
    campaigns: ['Maintenance on Saturday'],
    texts: ['We have found the cause.', 'The fix is in version 8.3.'],
    reply: 'It works again, thanks.',
    later: ['Is everything still fine after the update?'],
    chatbot: 'First aid',
    webform: 'Report a bug',
    templates: { shared: ['How to send us a log'], private: ['When somebody shouts', 'Polite no'] },
    emails: { shared: ['Steps to reproduce'], private: ['About the refund'] },
    csat: 'Stayed on the line until it worked.',
    meeting: 'Screen sharing with support',
    documents: ['Post-mortem of the outage'],
    documentTemplates: { granted: 'Incident report', own: 'Goodwill letter' },
    invoices: [{ number: 'QB-318', amount: 240, currency: 'USD' }],
    reports: { shared: ['Backlog by week', 'Reopened tickets'], others: 'Tickets by agent' },
    goal: 'First answer within an hour',
    rota: 'Escalations, in turn',
  },
  {
    preset: 'texting',
    name: 'Lakeside High School Counseling',
    domain: 'lakeside.example.com',
    areaCode: '608',
    owner: { name: 'Dr. Helen Park', staffId: 'LHS-10' },
    people: [
      { name: 'Marcus Bell', staffId: 'LHS-21', roles: ['admin'], teams: [0, 1] },
      { name: 'Rosa Delgado', staffId: 'LHS-22', roles: ['admin'], teams: [1] },
      { name: 'Grace Thompson', staffId: 'LHS-31', teams: [0] },
      { name: 'Yusuf Karim', staffId: 'LHS-32', teams: [0] },
      { name: 'Emily Chen', staffId: 'LHS-33', teams: [1] },
    ],
    invited: { name: 'Jonah Weiss', staffId: 'LHS-34' },
    teams: ['Juniors', 'Seniors'],
    inboxes: ['College applications'],
    segments: ['Seniors without a FAFSA', 'First in the family', 'Scholarship deadline in May'],
    automations: ['Remind of the deadline', 'Ask for the transcript'],
    selected: 'Answer outside office hours',
    apps: { own: ['school-calendar'], shared: ['student-records'], others: 'survey-forms' },
    webhooks: ['message.replied'],
    dashboards: { shared: ['Applications sent'], private: ['My students'], others: 'Reply rate' },
    visitors: ['Parent of a junior', 'Senior, second period'],
    notes: ['Mother prefers Spanish.', 'Has been admitted to two colleges.'],
    records: {
      lead: ['Family at the open evening'],
      deal: ['Grant for the essay workshop'],
      product: ['Campus tour by bus'],
      activity: ['Parents’ evening'],
      project: ['College fair in October'],
      task: ['Collect the transcripts', 'Book the auditorium'],
    },
    filters: { public: ['Seniors of room 12'], private: ['Worried about'] },
    comment: 'The essay is much better now.',
    file: 'recommendation-letter.pdf',
    campaigns: ['Financial aid night', 'Application week begins'],
    texts: ['Your transcript is in.', 'Do you still need a fee waiver?', 'Well done on the essay!'],
    reply: 'Yes please, where do I get it?',
    later: ['The deadline is tomorrow at midnight.', 'Do not forget the interview.'],
    chatbot: 'Which form do I need?',
    webform: 'Ask for an appointment',
    templates: { shared: ['Letter to parents'], private: ['When a college says no'] },
    emails: { shared: ['List of open documents'], private: ['Talk with the school nurse'] },
    csat: 'Made me believe that I can do it.',
    meeting: 'Twenty minutes about college',
    documents: ['Four-year plan'],
    documentTemplates: { granted: 'Recommendation letter', own: 'Note to a dean' },
    invoices: [{ number: 'QB-77', amount: 615, currency: 'USD' }],
    reports: { shared: ['Admissions by year'], others: 'Appointments by counselor' },
    goal: 'Every senior has applied somewhere',
    rota: 'New students, in turn',
  },
  {
    preset: 'calls',
    name: 'Keystone Realty Phone Desk',
    domain: 'keystone.example.com',
    areaCode: '215',
    owner: { name: 'Walter Greene', staffId: 'K-100' },
    people: [
      { name: 'Simone Laurent', staffId: 'K-101', roles: ['admin'], teams: [0, 1] },
      { name: 'Andrés Vega', staffId: 'K-102', roles: ['admin'], teams: [1] },
      { name: 'Becky Sullivan', staffId: 'K-201', teams: [0] },
      { name: 'Dmitri Volkov', staffId: 'K-202', teams: [0] },
      { name: 'Fatima Zahra', staffId: 'K-203', teams: [1] },
      { name: 'Liam O’Connor', staffId: 'K-204', teams: [1] },
    ],
    invited: { name: 'Wen Jie Tan', staffId: 'K-205' },
    teams: ['Buyers', 'Sellers'],
    inboxes: ['Open house sign-ups'],
    segments: ['Looking in Fishtown', 'Pre-approved buyers'],
    automations: ['Call back a missed call', 'Confirm a viewing'],
    selected: 'Sunday open house team',
    apps: { own: ['listing-sync'], shared: ['call-recorder'], others: 'route-planner' },
    webhooks: ['call.missed', 'viewing.booked'],
    dashboards: { shared: ['Calls by agent'], private: ['My listings'], others: 'Missed calls' },
    visitors: ['Visitor on 12 Elm Street', 'Visitor 118'],
    notes: ['Will only view after six.', 'Selling because of a move to Denver.'],
    records: {
      lead: ['Sign-up at 12 Elm Street', 'Walk-in from Saturday'],
      deal: ['9 Birch Lane, asking 410,000'],
      product: ['Home staging'],
      activity: ['Viewing on Sunday', 'Key handover'],
      project: ['Sell the Fishtown duplex'],
      task: ['Order the photographs'],
    },
    filters: { public: ['Buyers under 400,000'], private: ['Ready to sign'] },
    comment: 'The roof was done in 2021.',
    file: 'floor-plan.pdf',
    campaigns: ['Open houses this weekend'],
    texts: ['The viewing is confirmed.', 'The seller has accepted your offer!'],
    reply: 'We are so happy, thank you!',
    later: ['Your viewing is tomorrow at six.'],
    chatbot: 'House finder',
    webform: 'What is my home worth?',
    templates: { shared: ['After the viewing'], private: ['When an offer is too low'] },
    emails: { shared: ['Inspection report'], private: ['How low they would go'] },
    csat: 'Always called back.',
    meeting: 'First talk about selling',
    documents: ['Offer for 9 Birch Lane'],
    documentTemplates: { granted: 'Listing agreement', own: 'Commission note' },
    invoices: [{ number: 'QB-1207', amount: 950, currency: 'USD' }],
    reports: { shared: ['Viewings by listing'], others: 'Calls by person' },
    goal: 'Thirty closings this quarter',
    rota: 'New callers, in turn',
  },
];

/** The customers of every account. Their numbers and addresses are from ranges that are reserved for examples. */
export const customers = [
  ['Alma Brandt', 'Jonas Weber', 'Sofia Rossi', 'Ethan Clarke', 'Mei Ling Zhou', 'Carlos Ibarra', 'Hannah Schmidt'],
  ['Noah Peterson', 'Zoe Papadakis', 'Omar Haddad', 'Ruth Goldberg', 'Viktor Petrov', 'Isabel Costa', 'Tariq Mansour'],
  ['Julia Nowak', 'Felix Berg', 'Leila Hosseini', 'Daniel Moreau', 'Keiko Tanaka', 'Brian Walsh', 'Amara Diallo'],
  ['Lucas Meyer', 'Nadia Popescu', 'George Mensah', 'Clara Jensen', 'Ivan Horvat', 'Teresa Gomes', 'Ravi Menon'],
].flat();
