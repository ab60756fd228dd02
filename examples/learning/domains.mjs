// Twenty-five servers, what each is about, and what people call these things instead.
const DOMAINS = {
  billing: {
    invoice: 'bill|charge sheet',
    refund: 'money back|reimbursement',
    subscription: 'recurring plan|membership',
    coupon: 'discount code|voucher',
  },
  calendar: {
    event: 'appointment|get-together',
    reminder: 'nudge|alarm',
    room: 'meeting space|venue',
    availability: 'free slots|open times',
  },
  cluster: {
    pod: 'running container|workload',
    namespace: 'tenant area|project space',
    secret: 'hidden value|credential',
    deployment: 'rollout|release of a service',
  },
  contacts: {
    person: 'acquaintance|individual',
    company: 'firm|business',
    address: 'location of somebody|postal details',
    group: 'circle of people|mailing circle',
  },
  crm: {
    lead: 'prospect|potential buyer',
    deal: 'opportunity|sale in progress',
    pipeline: 'sales funnel|stages of selling',
    quote: 'offer|price proposal',
  },
  database: {
    table: 'relation|set of rows',
    index: 'lookup structure|search aid',
    backup: 'safety copy|dump',
    user: 'account of the engine|login',
  },
  docs: {
    page: 'article|write-up',
    template: 'boilerplate|starting form',
    comment: 'remark|annotation',
    revision: 'earlier edit|past version',
  },
  feeds: {
    channel: 'news source|publication',
    story: 'news item|headline',
    filter: 'sieve|selection rule',
    digest: 'summary mail|round-up',
  },
  files: {
    folder: 'directory|container of documents',
    document: 'paper|text file',
    archive: 'zip|bundle',
    share: 'public link|access for others',
  },
  fitness: { workout: 'exercise session|training', goal: 'target|aim', route: 'running track|path', meal: 'food intake|what was eaten' },
  hiring: {
    candidate: 'applicant|job seeker',
    interview: 'conversation with an applicant|screening',
    posting: 'vacancy|job ad',
    offer: 'employment proposal|contract proposal',
  },
  home: {
    lamp: 'light|bulb',
    thermostat: 'heating|temperature control',
    scene: 'mood|preset of the house',
    sensor: 'detector|measuring device',
  },
  inventory: {
    item: 'article in stock|product',
    warehouse: 'depot|storage hall',
    shipment: 'parcel|consignment',
    supplier: 'vendor|provider of goods',
  },
  issues: {
    issue: 'bug|problem report',
    label: 'tag on a problem|category',
    milestone: 'planned version|deadline',
    sprint: 'iteration|work period',
  },
  library: { book: 'volume|novel', loan: 'borrowing|lent copy', author: 'writer|novelist', shelf: 'rack|reading list' },
  maps: { place: 'spot|point of interest', trip: 'journey|drive', area: 'region|zone', geofence: 'virtual border|perimeter' },
  marketing: {
    campaign: 'promotion|ad drive',
    audience: 'target group|segment',
    banner: 'display ad|creative',
    survey: 'questionnaire|poll',
  },
  messages: {
    message: 'note to somebody|chat line',
    thread: 'conversation|discussion',
    reaction: 'emoji|thumbs up',
    mention: 'ping|call-out',
  },
  monitoring: {
    alert: 'warning|page to the person on duty',
    dashboard: 'wall of charts|overview screen',
    metric: 'measurement|time series',
    incident: 'outage|disruption',
  },
  music: { song: 'track|tune', playlist: 'mix|sequence of songs', artist: 'band|performer', concert: 'gig|live show' },
  payroll: {
    salary: 'pay|wages',
    timesheet: 'hours worked|work log',
    bonus: 'extra pay|premium',
    deduction: 'withholding|amount taken off',
  },
  photos: {
    picture: 'image|snapshot',
    album: 'collection of images|gallery',
    face: 'who is in a snapshot|portrait',
    edit: 'retouch|correction of an image',
  },
  repository: {
    branch: 'line of development|fork of the code',
    commit: 'change set|saved change',
    release: 'published build|tagged version',
    review: 'code inspection|second look at code',
  },
  school: { course: 'class|subject', student: 'pupil|learner', grade: 'mark|score', homework: 'assignment|exercise to hand in' },
  travel: {
    flight: 'plane|air connection',
    hotel: 'place to stay|lodging',
    booking: 'reservation|confirmed trip',
    visa: 'entry permit|travel papers',
  },
};
const VERBS = {
  create: 'set up a new|draw up a|make me a',
  get: 'pull up the|let me look at one',
  list: 'what do we have by way of|run through every',
  update: 'amend the|put right the',
  remove: 'get rid of the|throw out the',
};

export const SERVERS = Object.keys(DOMAINS);

/** The tools of a server. */
export function toolsOf(server) {
  return Object.keys(DOMAINS[server]).flatMap((object) =>
    Object.keys(VERBS).map((verb) => ({
      name: `${verb}_${object}`,
      description: `${verb[0].toUpperCase()}${verb.slice(1)}s ${verb === 'list' ? 'all entries of kind' : 'an entry of kind'} ${object} in ${server}.`,
    })),
  );
}

/** Everything that somebody may want done, with the words in which people ask for it: some of them are those of the tool. */
export const TASKS = Object.entries(DOMAINS).flatMap(([server, objects]) =>
  Object.entries(objects).flatMap(([object, others]) =>
    Object.entries(VERBS).map(([verb, phrases]) => ({
      server,
      tool: `${verb}_${object}`,
      plain: `${verb} ${object} in ${server}`,
      asked: phrases.split('|').flatMap((phrase) => [object, ...others.split('|')].map((other) => `${phrase} ${other}`)),
    })),
  ),
);
