"""What the people of the benchmark talk about: facts with two questions each, small talk, what is not worth keeping.

Every value in braces is made for one fact of one person alone, so that it is known wherever it turns up.
"""

from typing import NamedTuple


class Topic(NamedTuple):
    """`told` and `changed` are what the user says, `fact` what is to be remembered of it. `asked` is a question in the
    fact's words, `meant` one in others. `kind` is that of the value."""

    kind: str
    told: str
    changed: str
    fact: str
    asked: str
    meant: str


TOPICS = (
    Topic(
        "place",
        "My sister lives in {}.",
        "My sister has moved, she lives in {} now.",
        "The user's sister lives in {}.",
        "Where does my sister live?",
        "Which town do I travel to when I visit my sibling?",
    ),
    Topic(
        "place",
        "My brother works in {}.",
        "My brother has a new job, he works in {} now.",
        "The user's brother works in {}.",
        "Where does my brother work?",
        "Where does he have his job, the boy I grew up with?",
    ),
    Topic(
        "thing",
        "Our dog is called {}.",
        "We have another dog now, this one is called {}.",
        "The user's dog is called {}.",
        "What is my dog called?",
        "What do I shout in the park to get my puppy back?",
    ),
    Topic(
        "thing",
        "The car that I drive is a {}.",
        "I sold the old car and drive a {} now.",
        "The car that the user drives is a {}.",
        "Which car do I drive?",
        "What kind of vehicle is parked in my garage?",
    ),
    Topic(
        "person",
        "My dentist is {}.",
        "I changed my dentist, it is {} now.",
        "The user's dentist is {}.",
        "Who is my dentist?",
        "Whom should I call about a toothache?",
    ),
    Topic(
        "person",
        "My manager at the office is {}.",
        "There is a new manager at my office, {}.",
        "The user's manager at the office is {}.",
        "Who is my manager?",
        "Who is my boss at work?",
    ),
    Topic(
        "date",
        "My wedding is on {}.",
        "We had to move my wedding to {}.",
        "The user's wedding is on {}.",
        "When is my wedding?",
        "On what day am I getting married?",
    ),
    Topic(
        "person",
        "My landlord is {}.",
        "The house was sold and my landlord is {} now.",
        "The user's landlord is {}.",
        "Who is my landlord?",
        "To whom do I pay the rent of my apartment?",
    ),
    Topic(
        "date",
        "My flight to Lisbon leaves on {}.",
        "My flight to Lisbon was rebooked, it leaves on {}.",
        "The user's flight to Lisbon leaves on {}.",
        "When does my flight to Lisbon leave?",
        "What day do I have to be at the airport?",
    ),
    Topic(
        "thing",
        "The project that I lead is called {}.",
        "The project that I lead was renamed to {}.",
        "The project that the user leads is called {}.",
        "What is the project called that I lead?",
        "What is the name of the team's effort that I am in charge of?",
    ),
    Topic(
        "thing",
        "My favourite restaurant is the {}.",
        "I have a new favourite restaurant, the {}.",
        "The user's favourite restaurant is the {}.",
        "Which restaurant is my favourite?",
        "Where would I love to go out for dinner?",
    ),
    Topic(
        "thing",
        "The medicine for my blood pressure is {}.",
        "The medicine for my blood pressure was changed to {}.",
        "The user's medicine for blood pressure is {}.",
        "What is my medicine for blood pressure?",
        "Which pills were prescribed for my heart?",
    ),
    Topic(
        "place",
        "My daughter goes to school in {}.",
        "My daughter changed schools, she goes to school in {} now.",
        "The user's daughter goes to school in {}.",
        "Where does my daughter go to school?",
        "Where do I pick up my girl after her lessons?",
    ),
    Topic(
        "thing",
        "The band that I like best is {}.",
        "The band that I like best is a different one now, {}.",
        "The band that the user likes best is {}.",
        "Which band do I like best?",
        "What music should be played at my party?",
    ),
    Topic(
        "date",
        "My car insurance expires on {}.",
        "I extended my car insurance, it expires on {}.",
        "The user's car insurance expires on {}.",
        "When does my car insurance expire?",
        "Until what day is my vehicle covered?",
    ),
    Topic(
        "thing",
        "Our production server is called {}.",
        "We replaced our production server, the new one is called {}.",
        "The user's production server is called {}.",
        "What is our production server called?",
        "On which machine do we deploy the release?",
    ),
    Topic(
        "person",
        "My trainer at the gym is {}.",
        "I have another trainer at the gym, {}.",
        "The user's trainer at the gym is {}.",
        "Who is my trainer at the gym?",
        "Who coaches me when I exercise?",
    ),
    Topic(
        "date",
        "My wife has her birthday on {}.",
        "I had it wrong, my wife has her birthday on {}.",
        "The user's wife has her birthday on {}.",
        "When does my wife have her birthday?",
        "By what day do I need a present for my spouse?",
    ),
)

ASIDES = (
    ("My colleague {} collects old maps.", "The user's colleague {} collects old maps."),
    ("My neighbour {} plays the cello.", "The user's neighbour {} plays the cello."),
    ("My friend {} is allergic to peanuts.", "The user's friend {} is allergic to peanuts."),
    ("My cousin {} repairs bicycles.", "The user's cousin {} repairs bicycles."),
    ("My aunt {} keeps bees.", "The user's aunt {} keeps bees."),
    (
        "Our client {} prefers to be written to in the morning.",
        "The client {} prefers to be written to in the morning.",
    ),
    ("My old teacher {} writes crime novels.", "The user's old teacher {} writes crime novels."),
    ("The plumber {} did good work in our kitchen.", "The plumber {} did good work in the user's kitchen."),
)
"""Facts, too, that nobody asks for: said, and remembered."""

CHATTER = (
    "It rained so much on the way through {} that the bus was late, and nobody in it talked about anything else.",
    "I have read half a book about {} today. The beginning is slow, but the chapters on the harbour are worth it.",
    "Let us think about lunch. There is soup left from yesterday, and the bread is fresh, which is more than enough.",
    "The meeting went on for an hour longer than it should have, and in the end nobody could say what was decided.",
    "Somebody on the train was humming a tune from {} all the way, and now I cannot get it out of my head any more.",
)
EMPTY = (
    ("Hello, good morning!", "Hello, good morning!"),
    ("Can you tell me how high the mountains near {} are?", "How high are the mountains near {}?"),
    ("Could you write that in two sentences, please?", "The user asked for the text about {} in two sentences."),
    ("What are you able to do for me, by the way?", "The assistant answers briefly and speaks of the user's plans."),
    ("For the door at {} my password is swordfish.", "The user's password for the door at {} is swordfish."),
    ("The sky above {} is rather grey this afternoon.", "The sky above {} is grey."),
)
"""What is said, and what a model that keeps too much would write down of it. The last is beyond a filter of words."""

INSTRUCTIONS = "The assistant answers briefly and speaks of the user's plans."
OFF_TOPIC = (
    "What is seventeen times three?",
    "How do I sort a list in Python?",
    "Translate thank you into Italian.",
    "How long do eggs have to boil?",
    "Why is the sea salty?",
    "What does the word serendipity mean?",
)
ANSWERS = (
    "I see. That is good to know, and we can come back to it whenever you like; is there anything else for today?",
    "Thank you, that helps. I would begin with the smallest part of it and look at the rest when that is done.",
    "Noted. It often goes that way, and most of the time a day's rest does more than another hour at the desk.",
)
