"""Ways in which people ask for each subject of small talk, told apart by their words alone.

As in `grammar`, each entry whose index leaves 3 when divided by 6 is reserved for validation; take the
entries of one split with `grammar.select_entries`. The last three keys are asked of a missing or an unknown
input: only the context tells them from questions about a picture or a sound.
"""

from __future__ import annotations

from .grammar import split_entries

TALK_WORDINGS: dict[str, tuple[str, ...]] = {
    "who": split_entries("""
Who are you? | What are you? | What is your name? | Tell me who you are. | Tell me about yourself.
| Who am I talking to? | Are you a model? | What should I call you? | Please introduce yourself.
| And who are you? | What's your name? | Do you have a name? | What sort of program are you?
| Who is this I am talking with? | Say who you are. | Can you tell me what you are?
| What kind of model are you? | Are you a chatbot? | I'd like to know who you are. | How are you called?
| Are you some kind of assistant? | Could you tell me your name? | Who is speaking?
| Can you introduce yourself? | May I ask who you are? | Say something about yourself. | Are you Bubo?
| your name? | who are you | What exactly are you?"""),
    "can": split_entries("""
What can you do? | How can you help me? | What are you good for? | What can you do for me?
| What do you know? | What can I ask you? | Help. | I need help. | What are your abilities?
| How can you be of help? | What are you able to do? | What is your job? | Which questions can I ask?
| How do I use you? | How does this work? | What should I ask you? | What can I do with you?
| What sort of questions can you answer? | Tell me what you can do. | Help me, please. | What are you for?
| Which tasks can you do? | Show me what you can do. | What are your skills? | I don't know what to ask.
| Can you give me an example question? | Please help. | Which kinds of questions do you answer? | help
| What do you do? | Can you help me?"""),
    "photos": split_entries("""
Can you see real photos? | Do you understand photos? | Can I give you a photo? | Can I use my own photos?
| Do you work with real pictures? | Does this work with my own photos? | Can you see the real world?
| Does it work with pictures from my phone? | Can I upload a photo from my camera?
| Do you know real photos, too? | What about real photographs? | Do you work on photographs?
| May I show you a photo of my dog? | Can you look at a picture from my camera?
| Could I send you a photo of my house? | Do you understand real pictures?
| Can you describe a photo from my holiday? | Are real photos possible? | Only drawings, or photos, too?
| Will it work with a real photo? | Can you recognise things in a photograph?
| I have a photo. Can you describe it? | How good are you with real photos?
| Can you look through my camera? | Do you know anything about the real world?
| Can I try it with a photograph? | Do photos work? | Are you able to understand a real picture?
| Can you see my room? | real photos, too?"""),
    "recordings": split_entries("""
Can you hear real sounds? | Do you understand speech? | Can you hear what I say?
| Can you understand what I say? | Do you work with real recordings? | Can I give you a recording?
| Do you understand music? | Can I talk to you with my voice? | Can I use my microphone?
| Do you work with real sounds? | Can you hear my voice? | Can you write down what people say?
| Do you recognise songs? | Can you understand spoken words? | Does it work with recordings from my phone?
| Do real recordings work? | Can I sing you a song? | Do you understand the words in a song?
| What about real recordings? | Can I upload a recording from my phone? | Do you know real sounds, too?
| Can you listen to music? | Can I speak to you? | Which song is this? | Do you follow spoken language?
| Could I send you a voice message? | Do you know this song? | Can you listen to my microphone?
| Do you understand people who speak? | Does this work with speech?"""),
    "honest": split_entries("""
Are you honest? | Do you make things up? | Can I trust you? | Can I trust your answers?
| Are you always right? | Do you make mistakes? | How sure are you? | Do you ever lie?
| How reliable are you? | Are you always sure? | Are you ever wrong? | Can I rely on your answers?
| Is everything you say true? | How often are your answers wrong? | Do you invent things?
| Do you sometimes make mistakes? | Are your answers correct? | Do you tell the truth? | Do you lie to me?
| How good are your answers? | How accurate are you? | Should I believe you? | Can you be wrong?
| Can I believe what you say? | Do you guess? | How certain are you? | Do you just guess the answer?
| Are you sometimes wrong? | Is it true what you tell me? | Tell me the truth: do you make mistakes?"""),
    "hello": split_entries("""
Hello. | Hi. | Hello Bubo! | Hello there. | Good morning. | Hey there. | Hi Bubo, how are you? | Hi there!
| Good evening. | Good morning, Bubo! | Good afternoon. | Hey! | Hey Bubo! | Hello, how are you?
| How are you? | Hello, my friend! | Greetings. | Nice to meet you. | How are you today?
| Hello, Bubo, nice to meet you! | How do you do? | Howdy. | hi | Hi, Bubo! | hello | Good day.
| Hey, how is it going? | Hi, how are you doing? | Morning! | Are you there?"""),
    "thanks": split_entries("""
Thank you. | Thanks! | Thanks a lot. | Thank you so much. | Well done. | Good answer. | Great, thank you!
| Very good! | Thank you very much. | Many thanks. | Great! | Good job. | That was helpful.
| Perfect, thanks. | Nice work. | Very good, thank you. | That is right, thank you. | Excellent!
| I thank you. | Wonderful! | You are a great help. | Great answer, thanks! | Cheers. | That helps, thanks.
| Good work! | Correct, well done. | thx | That is correct. | Thanks for your help. | Cool, thanks.
| You did well."""),
    "bye": split_entries("""
Goodbye. | Bye. | See you. | Goodbye, Bubo! | That is all. | Good night. | Bye, Bubo! | Bye-bye.
| See you later. | See you tomorrow. | I have to go. | That was all for today. | Farewell.
| Until next time. | I am leaving now. | That is all for today. | No more questions. | Have a nice day.
| Take care. | Goodbye, see you later! | So long. | I have no more questions. | Let us stop here.
| I am done for today. | We are finished. | Talk to you later. | bye | I have to leave now.
| Good night, Bubo. | See you soon."""),
    "maker": split_entries("""
Who made you? | Where do you come from? | Who built you? | Who has made you? | Who trained you?
| Who is your author? | Which company made you? | Who created you? | Who developed you?
| Which people built you? | Who is your maker? | Who designed you? | Who wrote you?
| Which people are behind you? | Are you made by a company? | Who is behind you? | Who programmed you?
| Who owns you? | Is your code open? | By whom were you made? | Are you open source? | Can I see your code?
| Which project made you? | Who wrote your code? | Tell me who made you. | Who are your developers?
| Whose work are you? | Which company is behind you? | Is there a company behind you?
| Did a company build you? | your maker?"""),
    "network": split_entries("""
Do you need a network? | Do you work offline? | Do you use the internet? | Can I use you offline?
| Do you send my pictures anywhere? | Where do you run? | Is my data safe? | Do you need the internet?
| Are you in the cloud? | Are my pictures sent anywhere? | Do my pictures stay private?
| Do you store my data? | Do you run on a server? | Do you run on my computer? | Do I have to be online?
| Does it work without internet? | Can you search the web? | Who can see my pictures?
| Does anything leave my computer? | Do you use a server? | Are you connected to the internet?
| Do you keep my recordings? | What about my privacy? | What happens to my data? | Is a connection needed?
| Are you online? | Do you share my data with anyone? | Do you work without a network?
| Do you upload my pictures? | offline?"""),
    "size": split_entries("""
How big are you? | How many parameters do you have? | Are you a large model? | How large are you?
| How small are you? | Do you need a GPU? | How much memory do you need? | How many weights do you have?
| Are you a small model? | How many parameters are you made of? | What is your size?
| Do you need a big computer? | How much RAM do you use? | Do you run without a GPU?
| Can you run on a laptop? | How fast a machine do you need? | How many layers do you have?
| Do I need a graphics card? | How much disk space do you take? | Do you use a lot of memory?
| Are you tiny? | What hardware do you need? | How heavy are you? | How big is your model?
| Is a normal processor enough for you? | How many megabytes are you? | Are you a big model or a small one?
| Do you need a fast processor? | Are you as big as other models? | your size?"""),
    "trained": split_entries("""
How were you trained? | What were you trained on? | What is your training data?
| On what data were you trained? | How did you learn this? | On which pictures did you learn?
| What is the drawn world? | How have you learned? | What did you learn from? | Where did you learn that?
| What was in your training data? | Which data did you learn from? | How long was your training?
| Where does your training data come from? | Tell me about your training.
| Tell me about your training data. | Who taught you? | From what did you learn to see?
| What do you mean by a drawn world? | What did you learn this from? | Were you trained on photos?
| Which sounds did you learn from? | What is this drawn world like? | How did you learn to see?
| Did you learn from the internet? | With what were you trained? | How did you learn to hear?
| Which pictures were you trained on? | Explain the drawn world. | What kind of training did you get?"""),
    "languages": split_entries("""
Do you speak German? | Which languages do you speak? | Can you answer in French? | Can you speak French?
| Do you understand Spanish? | Sprechen Sie Deutsch? | Can we talk in another language?
| Do you know other languages? | What languages do you understand? | Can you answer in German?
| Parlez-vous Francais? | Habla usted Espanol? | Please answer in Italian. | Do you speak Spanish?
| Can you translate this? | Do you only speak English? | Is English your only language?
| Can I write in German? | How many languages do you know? | Kannst du Deutsch? | Do you speak Chinese?
| Are you able to speak Russian? | Can you understand Polish? | Translate that into French.
| Is there a German version of you? | Which other languages can you speak? | Auf Deutsch, bitte.
| Do you understand German? | Do you speak anything but English? | Could you say that in Spanish?"""),
    "general": split_entries("""
What is the capital of France? | Who is the president? | What is two plus two?
| What is the capital of Spain? | Write me a poem. | Tell me a joke. | What is the weather tomorrow?
| How is the weather today? | What time is it? | What is three plus four? | Explain gravity to me.
| Who won the world cup? | How do I bake a cake? | Who is the king of England? | How old is the earth?
| Write a story for me. | How many people live in China? | What is the meaning of life?
| Can you do my homework? | Tell me a story. | How far is the moon? | Which day is it today?
| What is ten times ten? | Who wrote this poem? | Give me a recipe for soup.
| What is the highest mountain in the world? | Will it rain tomorrow? | What time is it in London?
| How does a car engine work? | Sing me a song. | Who invented the telephone? | What is the news today?
| What is five minus two? | What is the largest country in the world?"""),
    "people": split_entries("""
Do you recognise people? | Who is this person? | Do you know my face? | Do you recognise my face?
| Can you read text in a picture? | What is written here? | Can you read this? | Do you know this person?
| Can you read? | Can you read what is written here? | Who is that man? | Who is the woman in the picture?
| What does the text say? | Who is the person in the picture? | What does the sign say?
| Can you recognise faces? | Do you know who I am? | Can you read words? | Can you read letters and numbers?
| Can you tell people apart? | Is there any text to read? | Whose face is this? | Do you know my name?
| Can you read the text? | Do you recognise me? | Read this to me. | Can you read handwriting?
| Do you know this man? | Read the text, please. | Can you tell me who this person is?
| Which word is written there?"""),
    "alive": split_entries("""
Are you alive? | Are you a person? | Do you have feelings? | Do you feel anything? | Are you real?
| Do you think? | Are you human? | Are you a human being? | Are you a machine? | Are you a real person?
| Are you a robot? | Are you happy? | Do you sleep? | Do you get tired? | Do you have a heart?
| Are you a living person? | Can you feel pain? | Are you conscious? | Do you have a soul? | Can you think?
| Do you dream? | Are you sad? | Do you love me? | Do you ever get tired? | Are you a man or a woman?
| How old are you? | Do you have friends? | Are you a living thing? | Can you think for yourself?
| Do you have a mind of your own?"""),
    "masks": split_entries("""
What are the coloured areas? | What do the masks mean? | What is a link? | What does a mask mean?
| How do you show what you mean? | Why are some words marked? | What do the seconds mean?
| What do the colours mean? | What is a mask? | What do the links mean?
| Why is part of the picture coloured? | What are the marked words? | What does the highlighting mean?
| What are the seconds for? | Why are there numbers after a word? | What are these coloured areas for?
| What are the masks for? | How do I read the masks? | Why do you mark words?
| What does a marked word mean? | Explain the masks. | What are those coloured words?
| What happens when I click a word? | Why do you mark some areas? | What do the seconds show?
| What is the coloured shape over the picture? | Why is a word underlined? | What do the marked areas mean?
| How are words linked to the picture? | Tell me what the masks are."""),
    "sense": split_entries("""
Can you see? | Can you hear? | Can you see and hear? | Are you able to see? | How do you see?
| How do you hear? | Do you have eyes and ears? | Can you see at all? | Are you able to hear?
| Do you have ears? | Are you blind? | Are you deaf? | Do you have eyes? | How can you hear?
| Can you look at things? | Can you listen? | Can you look at pictures? | Can you listen to sounds?
| Are you able to look and listen? | Can you both see and hear? | How does your hearing work?
| How can you see without eyes? | With what do you see? | How do you hear without ears? | Have you got eyes?
| Can you see pictures? | Do you have senses? | Is it true that you can see and hear? | Can you hear sounds?
| Which senses do you have?"""),
    "name": split_entries("""
What does Bubo mean? | Why are you called Bubo? | What is a bubo? | Why is your name Bubo?
| Where does your name come from? | Why this name? | What does your name mean? | Why do you have this name?
| What is the meaning of your name? | What does the word Bubo mean? | Is Bubo a real word? | Is Bubo an owl?
| Who gave you your name? | Where does the name Bubo come from? | How did you get your name?
| What kind of animal is Bubo? | Why the name Bubo? | Why are you named after an owl?
| What language is Bubo? | What is the meaning of Bubo? | What does Bubo stand for? | Explain your name.
| Is there a reason for your name? | Why do they call you Bubo? | What a funny name!
| Does your name mean anything? | Bubo is a strange name. | What is the word Bubo? | meaning of Bubo?
| Tell me about your name."""),
    "nonsense": split_entries("""
asdf | ??? | blah blah blah | qwerty qwerty | hm | ... | xyzzy qwerty | blah bla | dfghjk | hmm hm
| la la la | !!! | uh | asdf jkl | foo bar baz | aaaaaa | wibble wobble | 12345 | jkl jkl | ?!
| The of and to. | mumble mumble | xx xx xx | blubb | zzz | hgf dsa | Green when the under. | la di da | .
| ghjk fdsa | gna gna gna | tralala | eh | hm hm hm"""),
    "NO_PICTURE": split_entries("""
What do you see? | Describe the picture. | What is in the picture? | Tell me what is in the picture.
| Is there anything in the picture? | Which objects do you see? | Look at this picture.
| How many things do you see? | What does the picture show? | Which things are in the picture?
| What can you see here? | Tell me about this picture. | List the objects. | Please describe the image.
| Is there a dog in the picture? | Can you describe this picture? | Where is the dog? | What place is this?
| What is in this image? | How many objects are there? | Please look at the picture. | Do you see anything?
| What colour is the thing in the picture? | What do you see in the picture? | Where was this drawn?
| Can you see the picture? | What is on the left side? | What does this image show?
| Name the things that you see. | Here is a picture. | Is the picture nice?"""),
    "NO_SOUND": split_entries("""
What do you hear? | Describe the sound. | What is in the sound? | Tell me what you hear. | Listen to this.
| Which sounds do you hear? | Does the sound fit? | What makes the sound? | What can you hear?
| What can be heard here? | Listen to the recording. | What is this sound? | Can you hear the sound?
| Which noise is this? | Do you hear anything? | Please listen to the sound. | Do you hear barking?
| When do you hear it? | What is that noise? | Describe what you hear. | Tell me about the sound.
| Here is a sound. | What is in the recording? | Is anything to be heard? | Where does the sound come from?
| Does the sound match the picture? | Please listen. | What do you hear in the recording?
| What kind of sound is this? | Name the sounds that you hear."""),
    "NOT_KNOWN_PICTURE": split_entries("""
What do you see? | Describe the picture. | What is in the picture? | What can you see in the picture?
| What is this? | Which objects do you see? | What does the picture show? | What place is this?
| Do you know what this is? | What does this image show? | Tell me about this picture.
| Can you describe this picture? | What can you see here? | What is shown here? | List the objects.
| Please describe the image. | What is that? | What do we see here? | Do you recognise this?
| Tell me what you see. | Which things are there? | What is going on in this picture?
| Describe what you see. | Look at this. What is it? | Where is this? | What kind of picture is this?
| What am I looking at? | Do you know what is in the picture? | Here is a picture. What do you see?
| Can you tell me what this is?"""),
}
